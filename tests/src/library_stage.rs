//! A lab of two nodes, a resource library in C that writes down what it is told, and a program of the cluster API that sends
//! control codes and orders to it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use resapi_sys_mock::codes::control;
use serde_json::json;

use crate::ground::Ground;
use crate::groups;
use crate::lab::Lab;
use crate::programs;

/// No wait is longer.
pub const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What a library was told: process, resource or type, code, input as text.
pub type Heard = (String, String, u32, String);

/// The lab, with the group `G`, in it the resource `R` of the type that the library serves.
pub struct LibraryStage {
    /// Where everything lies.
    pub ground: Ground,
    /// The two nodes, `n1` and `n2`.
    pub lab: Lab,
    sender: PathBuf,
    type_name: String,
}

impl LibraryStage {
    /// Makes it all. `source`: of the library, below `tests/fixtures/control_codes`.
    ///
    /// # Panics
    /// When anything of it does not work.
    #[must_use]
    pub fn new(source: &str, type_name: &str) -> LibraryStage {
        let ground = Ground::new();
        let fixtures = programs::root().join("tests/fixtures/control_codes");
        let library = programs::c_library(&fixtures.join(source), ground.path());
        let mut command = Command::new(programs::cluster());
        command.args(["up", "--port", "0", "--nodes", "2", "--dir"]).arg(ground.lab_dir());
        command.env("CODES_FILE", ground.path().join("codes"));
        let lab = Lab::start(&ground, command);
        lab.until_nodes(&["n1", "n2"], "Up");
        lab.change(
            "POST",
            &format!("/resource-types/{type_name}"),
            json!({ "DllName": library, "LooksAlivePollInterval": 100, "IsAlivePollInterval": 200 }),
        );
        groups::group(&lab, "G");
        groups::resource(&lab, "G", "R", type_name, json!({}));
        // A network and an interface with ids that the test knows.
        let (network, card) = ("00000000-0000-0000-0000-0000000000aa", "00000000-0000-0000-0000-0000000000bb");
        let text = |name: &str, value: &str| json!({ "Name": name, "Type": "REG_SZ", "Value": value });
        lab.change("PUT", &format!("/registry/Networks/{network}"), json!({ "Values": [text("Name", "Net")] }));
        let values = [text("Name", "Card"), text("Node", "1"), text("Network", network)];
        lab.change("PUT", &format!("/registry/NetworkInterfaces/{card}"), json!({ "Values": values }));
        let sender = sender(&ground);
        LibraryStage { ground, lab, sender, type_name: type_name.to_owned() }
    }

    /// Sends codes, each as `object code [text]`, those for a resource to this one: what came of each, by object and code.
    ///
    /// # Panics
    /// When the program does not end well.
    #[must_use]
    pub fn send(&self, resource: &str, lines: &[String]) -> BTreeMap<(String, u32), u32> {
        let mut child = Command::new(&self.sender)
            .args([resource, &self.type_name, "G", "n1"])
            .env("LD_LIBRARY_PATH", folder_of_libraries())
            .env("CLUSTER_ENDPOINT", self.lab.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was just made");
        let mut input = child.stdin.take().expect("piped");
        let text = lines.join("\n") + "\n";
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("no panic").expect("it reads all");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.ends_with("end\n"), "{}: {said}", output.status);
        let read = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let code = u32::from_str_radix(words.get(1)?.trim_start_matches("0x"), 16).ok()?;
            Some(((words[0].to_owned(), code), words.get(2)?.parse().ok()?))
        };
        said.lines().filter_map(read).collect()
    }

    /// Sends one code.
    ///
    /// # Panics
    /// As [`LibraryStage::send`].
    #[must_use]
    pub fn send_one(&self, resource: &str, object: &str, code: u32, text: &str) -> u32 {
        let answers = self.send(resource, &[format!("{object} {code:#x} {text}")]);
        answers[&(object.to_owned(), code)]
    }

    /// All that was heard so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        let text = std::fs::read_to_string(self.ground.path().join("codes")).unwrap_or_default();
        let read = |line: &str| {
            let words: Vec<&str> = line.split('\t').collect();
            let code = u32::from_str_radix(words.get(2)?.trim_start_matches("0x"), 16).ok()?;
            Some((words[0].to_owned(), words[1].to_owned(), code, words.get(3)?.to_string()))
        };
        text.lines().filter_map(read).collect()
    }

    /// Waits until so many processes of the library have heard this.
    ///
    /// # Panics
    /// When they do not.
    pub fn until_heard(&self, processes: usize, whom: &str, code: u32, input: &str) {
        let end = Instant::now() + LIMIT;
        loop {
            let heard = self.heard();
            let mine = heard.iter().filter(|(_, to, what, with)| to == whom && *what == code && with == input);
            let told: BTreeSet<&String> = mine.map(|(process, ..)| process).collect();
            if told.len() >= processes {
                return;
            }
            let name = control::name(code).unwrap_or("?");
            assert!(Instant::now() < end, "{whom} did not hear {name} {input:?} in {processes} processes: {heard:#?}");
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

fn folder_of_libraries() -> PathBuf {
    let clusapi = programs::library("libclusapi.so", "libclusapi.d", "clusapi");
    clusapi.parent().expect("a file lies in a folder").to_owned()
}

fn sender(ground: &Ground) -> PathBuf {
    let program = ground.path().join("send");
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(programs::root().join("resapi-sys-mock/include"))
        .arg(programs::root().join("tests/fixtures/control_codes/send.c"))
        .arg("-o")
        .arg(&program)
        .arg(format!("-L{}", folder_of_libraries().display()))
        .arg("-lclusapi")
        .output()
        .expect("a C compiler named cc; install gcc or clang");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}
