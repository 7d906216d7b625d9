//! Control codes that follow from the declarations of a type: private properties, class, dependencies (reference 01.8).
//!
//! The door answers these before the type's own `control` sees anything, so every type answers them alike.

use resapi_sys_mock::codes::control::{self, *};
use resapi_sys_mock::codes::win32::{
    ERROR_INVALID_DATA, ERROR_INVALID_FUNCTION, ERROR_RESOURCE_PROPERTIES_STORED, ERROR_SUCCESS,
};
use resapi_sys_mock::property_list::{self, Value, syntax};
use resapi_sys_mock::wide;

use super::guarded;
use crate::{Control, Failure, Properties, Property, Required, ResourceClass, ResourceType};

/// Most properties in one SET or VALIDATE list.
const SET_MAX_PROPERTIES: usize = 1_000;

/// What goes back to the caller of a control code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u32,
    pub(super) output: Vec<u8>,
}

impl Answer {
    pub(super) fn code(code: u32) -> Self {
        Self { code, output: Vec::new() }
    }

    fn done(output: Vec<u8>) -> Self {
        Self { code: ERROR_SUCCESS, output }
    }
}

/// Name of a code for the log.
pub(super) fn name(code: u32) -> String {
    control::name(code).map_or_else(|| format!("{code:#010x}"), str::to_owned)
}

/// The answer of a type's own method.
pub(super) fn from_type(answer: Control) -> Result<Answer, Failure> {
    match answer {
        Control::Default => Ok(Answer::code(ERROR_INVALID_FUNCTION)),
        Control::Done(output) => Ok(Answer::done(output)),
        Control::Stored => Ok(Answer::code(ERROR_RESOURCE_PROPERTIES_STORED)),
        Control::Refused(failure) => Err(failure),
    }
}

/// The codes of a resource that the door answers; `None` leaves the code to the type.
pub(super) fn resource_control<T: ResourceType>(
    properties: &Properties,
    is_in_service: bool,
    code: u32,
    input: &[u8],
) -> Option<Result<Answer, Failure>> {
    Some(match code {
        CLUSCTL_RESOURCE_UNKNOWN => Ok(Answer::code(ERROR_SUCCESS)),
        CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES => names(properties),
        CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES => values(properties, false),
        CLUSCTL_RESOURCE_GET_RO_PRIVATE_PROPERTIES => values(properties, true),
        CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS => Ok(formats(properties.table())),
        CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES => {
            accept(properties, input).map(|_changes| Answer::code(ERROR_SUCCESS))
        }
        CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES => set(properties, is_in_service, input),
        CLUSCTL_RESOURCE_GET_CLASS_INFO => Ok(class_info(T::CLASS)),
        CLUSCTL_RESOURCE_GET_REQUIRED_DEPENDENCIES if !T::REQUIRED_DEPENDENCIES.is_empty() => {
            Ok(dependencies(T::REQUIRED_DEPENDENCIES))
        }
        _ => return None,
    })
}

/// The codes of a resource type: those of the door, then the type's own.
pub(super) fn type_control<T: ResourceType>(code: u32, input: &[u8]) -> Answer {
    match code {
        CLUSCTL_RESOURCE_TYPE_UNKNOWN => Answer::code(ERROR_SUCCESS),
        CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_RESOURCE_PROPERTY_FMTS => formats(T::PROPERTIES),
        CLUSCTL_RESOURCE_TYPE_GET_CLASS_INFO => class_info(T::CLASS),
        CLUSCTL_RESOURCE_TYPE_GET_REQUIRED_DEPENDENCIES if !T::REQUIRED_DEPENDENCIES.is_empty() => {
            dependencies(T::REQUIRED_DEPENDENCIES)
        }
        _ => {
            let answer = guarded("type_control", || T::type_control(code, input)).and_then(from_type);
            // A type has no log of its own: the code says what it can.
            answer.unwrap_or_else(|failure| Answer::code(failure.code))
        }
    }
}

fn names(properties: &Properties) -> Result<Answer, Failure> {
    let now = properties.stored_now()?;
    let mut names: Vec<_> = now.table().iter().map(|property| property.name.to_owned()).collect();
    names.extend(now.unknown().into_iter().map(|(name, _)| name));
    Ok(Answer::done(wide::list_bytes(names.iter().map(String::as_str))))
}

fn values(properties: &Properties, is_read_only: bool) -> Result<Answer, Failure> {
    let now = properties.stored_now()?;
    let table = now.table().iter().filter(|property| property.is_read_only == is_read_only);
    let mut list: Vec<_> = table.map(|property| (property.name.to_owned(), now.value_of(property))).collect();
    if !is_read_only {
        list.extend(now.unknown());
    }
    Ok(Answer::done(property_list::build(list)))
}

fn formats(table: &[Property]) -> Answer {
    Answer::done(property_list::build_formats(table.iter().map(|property| (property.name, property.format()))))
}

/// Checks a whole list before anything is written. `None` deletes a value.
fn accept(properties: &Properties, input: &[u8]) -> Result<Vec<(String, Option<Value>)>, Failure> {
    if input.is_empty() {
        return Err(Failure::new(ERROR_INVALID_DATA, "the property list is missing: send one"));
    }
    let malformed = |error: property_list::ListError| Failure::new(error.win32(), error.to_string());
    let list = property_list::parse(input).map_err(malformed)?;
    if list.len() > SET_MAX_PROPERTIES {
        let problem = format!("more than {SET_MAX_PROPERTIES} properties in one list: send several lists");
        return Err(Failure::new(ERROR_INVALID_DATA, problem));
    }
    let mut changes = Vec::new();
    for sent in list {
        let entry = sent.first();
        let value = match properties.property(&sent.name) {
            Some(property) => property.accept(&entry)?,
            None => {
                properties.refuse_unknown(&sent.name)?;
                let value = entry.value().map_err(malformed)?;
                if entry.data.is_empty() { None } else { Some(value) }
            }
        };
        changes.push((sent.name, value));
    }
    Ok(changes)
}

/// Writes what differs. 5024 when the resource will notice only at its next online.
fn set(properties: &Properties, is_in_service: bool, input: &[u8]) -> Result<Answer, Failure> {
    let now = properties.stored_now()?;
    let mut changes = accept(properties, input)?;
    changes.retain(|(name, value)| now.get(name) != *value);
    if changes.is_empty() {
        return Ok(Answer::code(ERROR_SUCCESS));
    }
    now.write(&changes)?;
    if !is_in_service {
        // Nothing runs on the former values, so the getters may show the new ones at once.
        let _ = properties.refresh();
    }
    let code = if is_in_service { ERROR_RESOURCE_PROPERTIES_STORED } else { ERROR_SUCCESS };
    Ok(Answer::code(code))
}

/// `CLUS_RESOURCE_CLASS_INFO`: class and subclass, without a header (reference 04.3).
fn class_info(class: ResourceClass) -> Answer {
    let mut output = class.number().to_le_bytes().to_vec();
    output.extend(class.subclass().to_le_bytes());
    Answer::done(output)
}

/// Value list of classes and type names.
fn dependencies(required: &[Required]) -> Answer {
    let values: Vec<_> = required
        .iter()
        .map(|required| match required {
            Required::Type(name) => Value::Other { syntax: syntax::NAME, data: wide::bytes(name) },
            Required::Class(class) => {
                Value::Other { syntax: syntax::RESCLASS, data: class.number().to_le_bytes().to_vec() }
            }
        })
        .collect();
    Answer::done(property_list::build_values(&values))
}
