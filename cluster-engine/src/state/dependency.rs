//! Dependency expressions: an AND of sets, each set an OR of providers (reference 03.1, 03.4).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::limits;
use crate::id::Guid;
use crate::refusal::{Refusal, code};

/// What a resource depends on. Every set needs at least one online provider. No provider stands in it twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expression {
    sets: Vec<Vec<Guid>>,
}

impl Expression {
    /// The sets, in the order in which they were written.
    #[must_use]
    pub fn sets(&self) -> &[Vec<Guid>] {
        &self.sets
    }

    /// Every provider, in order.
    pub fn providers(&self) -> impl Iterator<Item = Guid> + '_ {
        self.sets.iter().flatten().copied()
    }

    /// Does it name this provider?
    #[must_use]
    pub fn names(&self, provider: Guid) -> bool {
        self.providers().any(|p| p == provider)
    }

    /// With one more set of one provider, as AddClusterResourceDependency makes it.
    #[must_use]
    pub fn with(&self, provider: Guid) -> Expression {
        let mut sets = self.sets.clone();
        sets.push(vec![provider]);
        Expression { sets }
    }

    /// Without a provider; a set that becomes empty goes away.
    #[must_use]
    pub fn without(&self, provider: Guid) -> Expression {
        let sets = self.sets.iter().map(|set| set.iter().copied().filter(|p| *p != provider).collect::<Vec<_>>());
        Expression { sets: sets.filter(|set| !set.is_empty()).collect() }
    }

    /// Reads the text of reference 03.4. `resolve` turns a name or an id into a resource.
    ///
    /// # Errors
    /// 87 for bad syntax (the message shows where), whatever `resolve` refuses, 5003 for a provider named twice.
    pub fn parse(text: &str, resolve: impl Fn(&str) -> Result<Guid, Refusal>) -> Result<Expression, Refusal> {
        let mut reader = Reader { text, at: 0 };
        let mut sets = Vec::new();
        if !reader.is_at_end() {
            sets.push(reader.set(&resolve)?);
            while !reader.is_at_end() {
                reader.keyword("and")?;
                sets.push(reader.set(&resolve)?);
            }
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = sets.iter().flatten().find(|p| !seen.insert(**p)) {
            return Err(Refusal::new(
                code::DEPENDENCY_ALREADY_EXISTS,
                "A resource may stand only once in a dependency expression. Remove the repetition.",
            )
            .fact("Provider", twice));
        }
        Ok(Expression { sets })
    }

    /// Reads the normal form that stands in the registry. What cannot be read counts as no dependency.
    #[must_use]
    pub fn from_stored(text: &str) -> Expression {
        let by_id = |id: &str| id.parse().map_err(|()| Refusal::new(code::RESOURCE_NOT_FOUND, "not an id"));
        Expression::parse(text, by_id).unwrap_or_default()
    }

    /// The normal form: ids, parentheses around every set.
    #[must_use]
    pub fn stored(&self) -> String {
        self.display(|id| id.to_string())
    }

    /// The normal form with names in place of ids.
    #[must_use]
    pub fn display(&self, name: impl Fn(Guid) -> String) -> String {
        let set = |set: &Vec<Guid>| {
            let refs: Vec<String> = set.iter().map(|id| format!("[{}]", name(*id))).collect();
            format!("({})", refs.join(" or "))
        };
        self.sets.iter().map(set).collect::<Vec<_>>().join(" and ")
    }
}

/// Would `dependent` with `expression` close a circle or make the tree deeper than allowed?
///
/// `all` gives what each resource of the group depends on now.
///
/// # Errors
/// 1059 for a circle, 5929 for more than 100 levels.
pub fn check_shape(dependent: Guid, expression: &Expression, all: &BTreeMap<Guid, Expression>) -> Result<(), Refusal> {
    let providers = |id: Guid| -> Vec<Guid> {
        if id == dependent {
            expression.providers().collect()
        } else {
            all.get(&id).map(|e| e.providers().collect()).unwrap_or_default()
        }
    };
    // Depth of each resource, providers first, without recursion: a resource is finished when all its providers are.
    let mut depth: BTreeMap<Guid, usize> = BTreeMap::new();
    let mut open: BTreeSet<Guid> = BTreeSet::new();
    let mut stack: Vec<Guid> = all.keys().copied().chain([dependent]).collect();
    while let Some(&id) = stack.last() {
        if depth.contains_key(&id) {
            stack.pop();
            continue;
        }
        open.insert(id);
        let waiting: Vec<Guid> = providers(id).into_iter().filter(|p| !depth.contains_key(p)).collect();
        if waiting.iter().any(|p| open.contains(p)) {
            return Err(Refusal::new(
                code::CIRCULAR_DEPENDENCY,
                "The dependency would close a circle: a resource would depend on itself through others.",
            )
            .fact("Resource", dependent));
        }
        if waiting.is_empty() {
            let level = 1 + providers(id).iter().filter_map(|p| depth.get(p)).max().copied().unwrap_or(0);
            if level > limits::DEPENDENCY_LEVELS {
                return Err(Refusal::new(
                    code::DEPENDENCY_TREE_TOO_COMPLEX,
                    format!("The dependency tree would be deeper than {} levels.", limits::DEPENDENCY_LEVELS),
                ));
            }
            depth.insert(id, level);
            open.remove(&id);
            stack.pop();
        } else {
            stack.extend(waiting);
        }
    }
    Ok(())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        self.rest().is_empty()
    }

    fn fails(&self, wanted: &str) -> Refusal {
        let seen: String = self.rest().chars().take(20).collect();
        let seen = if seen.is_empty() { "the end".to_owned() } else { format!("'{seen}'") };
        Refusal::new(
            code::INVALID_PARAMETER,
            format!(
                "Bad dependency expression: {wanted} was expected before {seen}. \
                 Write it like this: [Name] and ([Name] or [Name])."
            ),
        )
        .fact("Position", self.at)
    }

    fn take(&mut self, mark: char) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len_utf8();
        }
        found
    }

    fn keyword(&mut self, word: &str) -> Result<(), Refusal> {
        self.skip_blanks();
        let rest = self.rest();
        let matches = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        let ends = rest.get(word.len()..).is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric()));
        if !(matches && ends) {
            return Err(self.fails(&format!("'{word}'")));
        }
        self.at += word.len();
        Ok(())
    }

    fn reference(&mut self, resolve: &impl Fn(&str) -> Result<Guid, Refusal>) -> Result<Guid, Refusal> {
        if !self.take('[') {
            return Err(self.fails("'[' and a resource name"));
        }
        let Some(length) = self.rest().find(']') else { return Err(self.fails("']'")) };
        let name = self.rest()[..length].trim();
        let id = resolve(name)?;
        self.at += length + 1;
        Ok(id)
    }

    fn set(&mut self, resolve: &impl Fn(&str) -> Result<Guid, Refusal>) -> Result<Vec<Guid>, Refusal> {
        if !self.take('(') {
            return Ok(vec![self.reference(resolve)?]);
        }
        let mut set = vec![self.reference(resolve)?];
        while !self.take(')') {
            self.keyword("or")?;
            set.push(self.reference(resolve)?);
        }
        Ok(set)
    }
}
