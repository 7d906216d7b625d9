//! Dependency expressions: what is read, how it is written again, what is refused (reference 03.1, 03.4).

use std::collections::BTreeMap;

use cluster_engine::state::dependency::{Expression, check_shape};
use cluster_engine::{Guid, Refusal, code};
use proptest::prelude::*;

const NAMES: [&str; 4] = ["IP 1", "IP 2", "Disk 3", "or"];

fn resolve(name: &str) -> Result<Guid, Refusal> {
    let by_name = NAMES.iter().position(|n| n.eq_ignore_ascii_case(name)).map(|at| Guid(at as u128 + 1));
    let by_id = || name.parse().ok();
    by_name.or_else(by_id).ok_or_else(|| Refusal::new(code::RESOURCE_NOT_FOUND, "unknown"))
}

fn name(id: Guid) -> String {
    NAMES[usize::try_from(id.0).expect("small") - 1].to_owned()
}

/// The normal form with names, or the code of the refusal.
fn check(text: &str, expected: Result<&str, u32>) {
    let read = Expression::parse(text, resolve).map(|e| e.display(name)).map_err(|r| r.code);
    assert_eq!(read.as_deref().map_err(|c| *c), expected, "{text}");
}

#[test]
fn what_is_read_and_how_it_is_written() {
    check("", Ok(""));
    check("  \t ", Ok(""));
    check("[IP 1]", Ok("([IP 1])"));
    check("[ip 1]", Ok("([IP 1])"));
    check("[ IP 1 ]", Ok("([IP 1])"));
    check("([IP 1])", Ok("([IP 1])"));
    check("([IP 1] or [IP 2]) and [Disk 3]", Ok("([IP 1] or [IP 2]) and ([Disk 3])"));
    check("[Disk 3]and([IP 1]or[IP 2])", Ok("([Disk 3]) and ([IP 1] or [IP 2])"));
    check("[IP 1] AND ([IP 2] OR [Disk 3])", Ok("([IP 1]) and ([IP 2] or [Disk 3])"));
    check("[or] and [IP 1]", Ok("([or]) and ([IP 1])"));
    check("[00000000-0000-0000-0000-000000000003]", Ok("([Disk 3])"));
}

#[test]
fn what_is_refused() {
    let syntax = Err(code::INVALID_PARAMETER);
    for text in [
        "IP 1",
        "[IP 1",
        "[IP 1] [IP 2]",
        "[IP 1] or [IP 2]",
        "[IP 1] and",
        "and [IP 1]",
        "([IP 1] or [IP 2]",
        "([IP 1] and [IP 2])",
        "()",
        "(([IP 1]))",
        "[IP 1])",
        "not [IP 1]",
        "[IP 1] andy [IP 2]",
        "[IP 1] é [IP 2]",
    ] {
        check(text, syntax);
    }
    check("[Nobody]", Err(code::RESOURCE_NOT_FOUND));
    check("[]", Err(code::RESOURCE_NOT_FOUND));
    check("[IP 1] and [ip 1]", Err(code::DEPENDENCY_ALREADY_EXISTS));
    check("([IP 1] or [IP 2]) and [IP 1]", Err(code::DEPENDENCY_ALREADY_EXISTS));
}

#[test]
fn a_refusal_says_what_was_expected_and_where() {
    let refusal = Expression::parse("[IP 1] und [IP 2]", resolve).expect_err("no such keyword");
    assert!(refusal.message.contains("'and' was expected before 'und [IP 2]'"), "{}", refusal.message);
    assert_eq!(refusal.facts, [("Position".to_owned(), "7".to_owned())]);
}

#[test]
fn adding_and_removing_providers() {
    let both = Expression::parse("([IP 1] or [IP 2])", resolve).expect("good");
    let more = both.with(Guid(3));
    assert_eq!(more.display(name), "([IP 1] or [IP 2]) and ([Disk 3])");
    assert_eq!(more.without(Guid(1)).display(name), "([IP 2]) and ([Disk 3])");
    assert_eq!(more.without(Guid(3)), both);
    assert_eq!(both.without(Guid(1)).without(Guid(2)), Expression::default());
    assert!(more.names(Guid(2)) && !more.names(Guid(4)));
}

#[test]
fn circles_and_deep_trees() {
    let on = |provider: u128| Expression::default().with(Guid(provider));
    // 1 <- 2 <- 3 ... each depends on the one before it.
    let chain = |length: u128| -> BTreeMap<Guid, Expression> {
        (1..=length).map(|n| (Guid(n), if n == 1 { Expression::default() } else { on(n - 1) })).collect()
    };
    let answer = |dependent, provider, all: &BTreeMap<Guid, Expression>| {
        check_shape(Guid(dependent), &on(provider), all).err().map(|r| r.code)
    };
    assert_eq!(answer(1, 1, &chain(1)), Some(code::CIRCULAR_DEPENDENCY));
    assert_eq!(answer(1, 2, &chain(2)), Some(code::CIRCULAR_DEPENDENCY));
    assert_eq!(answer(1, 50, &chain(50)), Some(code::CIRCULAR_DEPENDENCY));
    assert_eq!(answer(4, 1, &chain(3)), None);
    assert_eq!(answer(100, 99, &chain(99)), None);
    assert_eq!(answer(101, 100, &chain(100)), Some(code::DEPENDENCY_TREE_TOO_COMPLEX));
    // A diamond is no circle.
    let mut diamond = chain(1);
    diamond.insert(Guid(2), on(1));
    diamond.insert(Guid(3), on(1));
    assert!(check_shape(Guid(4), &on(2).with(Guid(3)), &diamond).is_ok());
}

/// Expressions in which no provider stands twice.
fn expressions() -> impl Strategy<Value = Vec<Vec<u128>>> {
    (Just((1..=12_u128).collect::<Vec<_>>()).prop_shuffle(), prop::collection::vec(1..4_usize, 0..5)).prop_map(
        |(ids, sizes)| {
            let mut ids = ids.into_iter();
            let sets = sizes.into_iter().map(|size| ids.by_ref().take(size).collect::<Vec<_>>());
            sets.filter(|set| !set.is_empty()).collect()
        },
    )
}

fn by_id(text: &str) -> Result<Guid, Refusal> {
    text.parse().map_err(|()| Refusal::new(code::RESOURCE_NOT_FOUND, "not an id"))
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(sets in expressions()) {
        let text: Vec<String> = sets
            .iter()
            .map(|set| format!("({})", set.iter().map(|id| format!("[{}]", Guid(*id))).collect::<Vec<_>>().join(" or ")))
            .collect();
        let text = text.join(" and ");
        let read = Expression::parse(&text, by_id).expect("well formed");
        prop_assert_eq!(read.stored(), text.clone());
        prop_assert_eq!(&Expression::from_stored(&text), &read);
        let expected: Vec<Vec<Guid>> = sets.iter().map(|set| set.iter().map(|id| Guid(*id)).collect()).collect();
        prop_assert_eq!(read.sets(), &expected[..]);
        for id in read.providers().collect::<Vec<_>>() {
            let without = read.without(id);
            prop_assert!(!without.names(id));
            prop_assert_eq!(without.providers().count() + 1, read.providers().count());
            prop_assert!(without.sets().iter().all(|set| !set.is_empty()));
        }
    }

    #[test]
    fn no_text_brings_the_reader_down(text in "[\\[\\]() a-zA-Zé0-9\\-]{0,60}") {
        if let Ok(read) = Expression::parse(&text, resolve) {
            prop_assert_eq!(Expression::from_stored(&read.stored()), read);
        }
    }
}
