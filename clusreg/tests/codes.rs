//! The codes of refusals, held against the table of the reference.

use clusreg::{Comparison, Error};

const TABLE: &str = include_str!("../../docs/reference/data/errors.csv");

#[test]
fn every_refusal_has_a_code_of_the_table_and_says_what_to_do() {
    let text = || "x".to_owned();
    let expected = Comparison::Equal;
    for (error, code) in [
        (Error::LeadingBackslash { path: text() }, 161),
        (Error::BadKeyName { path: text(), name: text() }, 123),
        (Error::KeyNameTooLong { name: text(), chars: 1 }, 87),
        (Error::PathTooLong { path: text(), chars: 1 }, 87),
        (Error::TooDeep { path: text(), depth: 1 }, 87),
        (Error::BadValueName { name: text() }, 123),
        (Error::ValueNameTooLong { name: text(), chars: 1 }, 87),
        (Error::ValueTooLarge { name: text(), bytes: 1 }, 87),
        (Error::HiveFull { bytes: 1 }, 8),
        (Error::TooManyCommands { commands: 1 }, 87),
        (Error::BatchTooLarge { bytes: 1 }, 87),
        (Error::KeyMissing { path: text() }, 2),
        (Error::KeyHasSubkeys { path: text(), subkeys: 1 }, 5),
        (Error::DeletesItsBase { base: text() }, 87),
        (Error::NoCurrentKey, 87),
        (Error::KeyCondition { path: text(), expected: true }, 5986),
        (Error::ValueCondition { path: text(), name: text(), expected }, 5986),
        (Error::EmptyFilter { filter: 0 }, 87),
        (Error::TooManyWatches, 8),
        (Error::BadText { text: text(), kind: text(), remedy: "write a number" }, 13),
    ] {
        assert_eq!(error.win32(), code, "{error:?}");
        let row = format!("{},{code},", error.name());
        assert!(TABLE.lines().any(|line| line.starts_with(&row)), "{row} is not in the table");
        let (fact, remedy) =
            error.to_string().split_once(';').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("two halves");
        assert!(fact.len() > 10 && remedy.len() > 5, "{error}");
    }
}
