//! Writing property lists and value lists.

use super::value::{Format, Value, syntax};
use crate::wide;

/// A property list with one value for each property.
pub fn build<N: AsRef<str>>(properties: impl IntoIterator<Item = (N, Value)>) -> Vec<u8> {
    build_lists(properties.into_iter().map(|(name, value)| (name, vec![value])))
}

/// A property list with any number of values for each property.
pub fn build_lists<N: AsRef<str>>(properties: impl IntoIterator<Item = (N, Vec<Value>)>) -> Vec<u8> {
    let mut list = vec![0; 4];
    let mut count = 0u32;
    for (name, values) in properties {
        entry(&mut list, syntax::NAME, &wide::bytes(name.as_ref()));
        list.extend(build_values(&values));
        count += 1;
    }
    list[..4].copy_from_slice(&count.to_le_bytes());
    list
}

/// A value list: the values and the end mark.
pub fn build_values<'a>(values: impl IntoIterator<Item = &'a Value>) -> Vec<u8> {
    let mut list = Vec::new();
    for value in values {
        entry(&mut list, value.syntax(), &value.bytes());
    }
    list.extend(syntax::ENDMARK.to_le_bytes());
    list
}

/// A format list (`GET_*_PROPERTY_FMTS`): each name with the number of its format as a WORD (reference 04.3).
pub fn build_formats<N: AsRef<str>>(formats: impl IntoIterator<Item = (N, Format)>) -> Vec<u8> {
    build(formats.into_iter().map(|(name, format)| (name, Value::Word(format as u16))))
}

/// Header, bytes and zeroed padding.
fn entry(list: &mut Vec<u8>, syntax: u32, data: &[u8]) {
    list.extend(syntax.to_le_bytes());
    list.extend((data.len() as u32).to_le_bytes());
    list.extend(data);
    list.resize(list.len().next_multiple_of(4), 0);
}
