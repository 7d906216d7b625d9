//! A resource type: while it is online, a file holds a greeting.
#![forbid(unsafe_code)]
use std::{fs, io};

use resapi::{Context, Failure, Progress, Property, ResourceType};

struct Hello(Context);

impl ResourceType for Hello {
    const NAME: &'static str = "Hello";
    const PROPERTIES: &'static [Property] =
        &[Property::text("Path").required(), Property::text("Greeting").or("Hello, cluster!")];

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(Hello(context))
    }
    fn online(&self, _: &Progress) -> Result<(), Failure> {
        self.0.log().info("saying hello");
        Ok(fs::write(self.path(), self.0.properties().text("Greeting"))?)
    }
    fn is_alive(&self) -> Result<(), Failure> {
        Ok(fs::metadata(self.path()).map(drop)?)
    }
    fn offline(&self, _: &Progress) -> Result<(), Failure> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
    fn terminate(&self) {
        let _ = fs::remove_file(self.path());
    }
}

impl Hello {
    fn path(&self) -> String {
        self.0.properties().text("Path")
    }
}

resapi::export!(Hello);

#[cfg(test)]
mod tests {
    use resapi::Value;
    use resapi::testing::{self, Outcome};

    #[test]
    fn the_greeting_is_there_while_online() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("greeting");
        let text = path.to_str().unwrap().to_owned();
        let hello = testing::open::<super::Hello>("hello 1", &[("Path", Value::Sz(text))]).unwrap();
        assert_eq!(hello.online(), Outcome::Online);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "Hello, cluster!");
        assert!(hello.is_alive());
        assert_eq!(hello.offline(), Outcome::Offline);
        assert!(!path.exists());
        assert_eq!(hello.online(), Outcome::Online);
        std::fs::remove_file(&path).unwrap();
        assert!(!hello.is_alive(), "somebody took the greeting away");
        assert!(hello.has_logged("ERROR_FILE_NOT_FOUND"));
    }

    #[test]
    fn a_place_that_does_not_exist_is_said() {
        let path = Value::Sz("/no/such/folder/greeting".into());
        let hello = testing::open::<super::Hello>("hello 2", &[("Path", path)]).unwrap();
        assert_eq!(hello.online(), Outcome::Failed);
        assert!(hello.has_logged("Online failed"), "{:?}", hello.log());
    }
}
