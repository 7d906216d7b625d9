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
mod tests;
