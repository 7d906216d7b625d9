//! `/registry`: the cluster registry.
//!
//! A key is named by the rest of the address: `/registry/Groups/<id>`. Each segment is one key name, percent-encoded, so a
//! name may have a slash in it; a backslash separates keys as well.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use clusreg::{Batch, reg_text};
use cluster_engine::state::Command;
use cluster_engine::{Refusal, code};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::change::{AcceptedAnswer, Plan};
use super::extract::{Asked, Body, Text, Waiting, check_wait};
use super::refused::{Answered, Refused};
use super::values::{from_json, sentence, type_of_word};
use super::views::{KeyView, RegistryValue};
use super::{Api, PREFIX};

/// Most commands in one request.
const COMMANDS: usize = 10_000;

/// Values to set in one key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetValues {
    /// All of them, or none.
    #[serde(default)]
    values: Vec<RegistryValue>,
}

/// A batch, as `ClusterRegCreateBatch` makes it (reference 06.4).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct BatchBody {
    /// The key that names are relative to.
    #[serde(default)]
    pub(crate) base: String,
    /// All of them, or none.
    pub(crate) commands: Vec<BatchCommand>,
}

/// One command of a batch.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct BatchCommand {
    /// `SET_VALUE`, `CREATE_KEY`, `DELETE_KEY`, `DELETE_VALUE`, `CONDITION_EXISTS` and so on.
    pub(crate) command: String,
    /// Name of a value, or of a key relative to the base.
    #[serde(default)]
    pub(crate) name: String,
    /// Type of the value.
    #[serde(rename = "Type")]
    pub(crate) kind: Option<String>,
    /// The value.
    pub(crate) value: Option<serde_json::Value>,
}

/// The query of a read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    format: Option<String>,
}

/// The query of a write.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteForm {
    format: Option<String>,
    wait: Option<u32>,
}

/// The query of a deletion.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deletion {
    value: Option<String>,
    #[serde(default)]
    tree: bool,
    wait: Option<u32>,
}

pub(super) async fn show(State(api): State<Api>, uri: Uri, Asked(form): Asked<Form>) -> Answered<Response> {
    let path = path_of(&uri)?;
    let is_text = is_reg(form.format.as_deref())?;
    api.see(move |sight| {
        let hive = &sight.state.hive;
        let key = hive.key(&path).ok_or_else(|| missing_key(&path))?;
        if is_text {
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            return Ok((plain, reg_text::export(hive, &path)).into_response());
        }
        Ok(Json(KeyView::of(key)).into_response())
    })
    .await?
}

pub(super) async fn put(
    State(api): State<Api>,
    uri: Uri,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<SetValues>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    check_count(body.values.len())?;
    let mut batch = Batch::at("").create_key(path_of(&uri)?);
    for given in body.values {
        let value = from_json(&given.name, type_of_word(&given.kind)?, &given.value)?;
        batch = batch.set_value(given.name, value);
    }
    commit(&api, wait, batch).await
}

/// A JSON batch, or `.reg` text with `?format=reg`.
pub(super) async fn post(
    State(api): State<Api>,
    Asked(form): Asked<WriteForm>,
    request: Request,
) -> Answered<AcceptedAnswer> {
    use axum::extract::FromRequest as _;
    let wait = check_wait(form.wait)?;
    let batch = if is_reg(form.format.as_deref())? {
        let Text(bytes) = Text::from_request(request, &()).await?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|e| Refusal::new(code::INVALID_DATA, format!("The text is not UTF-8: {e}. Save it as UTF-8.")))?;
        reg_text::import(text).map_err(|e| Refusal::new(code::INVALID_DATA, sentence(&e.to_string())))?
    } else {
        let Body(body) = Body::<BatchBody>::from_request(request, &()).await?;
        read_batch(body)?
    };
    commit(&api, wait, batch).await
}

pub(super) async fn delete(
    State(api): State<Api>,
    uri: Uri,
    Asked(asked): Asked<Deletion>,
) -> Answered<AcceptedAnswer> {
    let wait = check_wait(asked.wait)?;
    let path = path_of(&uri)?;
    if asked.tree && asked.value.is_some() {
        let text = "Give either value= (one value) or tree=true (the key with all below), not both.";
        return Err(Refusal::new(code::INVALID_PARAMETER, text).into());
    }
    let (wanted, value) = (path.clone(), asked.value.clone());
    api.see(move |sight| {
        let key = sight.state.hive.key(&wanted).ok_or_else(|| missing_key(&wanted))?;
        match value {
            Some(name) if key.value(&name).is_none() => Err(missing_value(&wanted, &name)),
            Some(_) | None => Ok(()),
        }
    })
    .await??;
    let batch = match (asked.value, asked.tree) {
        (Some(name), _) => Batch::at(path).delete_value(name),
        (None, true) => Batch::at("").delete_tree(path),
        (None, false) => Batch::at("").delete_key(path),
    };
    commit(&api, wait, batch).await
}

async fn commit(api: &Api, wait: Option<u32>, batch: Batch) -> Answered<AcceptedAnswer> {
    api.change(wait, move |_| Ok(Plan::setting(Command::Registry { batch }))).await
}

fn check_count(count: usize) -> Result<(), Refusal> {
    if count > COMMANDS {
        let text = format!("One request has at most {COMMANDS} values or commands. Split it, or import .reg text.");
        return Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Maximum", COMMANDS));
    }
    Ok(())
}

/// A batch of the reference as a batch of the registry. DELETE_KEY of a batch deletes the whole tree and does not mind a
/// key that is missing, as on Windows.
fn read_batch(body: BatchBody) -> Result<Batch, Refusal> {
    check_count(body.commands.len())?;
    let mut batch = Batch::at(body.base);
    for (index, command) in body.commands.into_iter().enumerate() {
        let word = command.command.to_ascii_uppercase();
        let bad = |what: &str| {
            Refusal::new(code::INVALID_PARAMETER, format!("Command {index} ({word}) {what}.")).fact("Command", index)
        };
        let value = || {
            let kind = command.kind.as_deref().ok_or_else(|| bad("needs a Type"))?;
            let json = command.value.as_ref().ok_or_else(|| bad("needs a Value"))?;
            from_json(&command.name, type_of_word(kind)?, json).map_err(|r| r.fact("Command", index))
        };
        let name = command.name.clone();
        batch = match word.as_str() {
            "SET_VALUE" => batch.set_value(name, value()?),
            "CREATE_KEY" => batch.create_key(name),
            "DELETE_KEY" => batch.delete_tree(name),
            "DELETE_VALUE" => batch.delete_value(name),
            "CONDITION_EXISTS" => batch.value_exists(name),
            "CONDITION_NOT_EXISTS" => batch.value_not_exists(name),
            "CONDITION_IS_EQUAL" => batch.value_equal(name, value()?),
            "CONDITION_IS_NOT_EQUAL" => batch.value_not_equal(name, value()?),
            "CONDITION_IS_GREATER_THAN" => batch.value_greater(name, value()?),
            "CONDITION_IS_LESS_THAN" => batch.value_less(name, value()?),
            "CONDITION_KEY_EXISTS" => batch.key_exists(name),
            "CONDITION_KEY_NOT_EXISTS" => batch.key_not_exists(name),
            _ => {
                return Err(bad(
                    "is not a command; see reference 06.4: SET_VALUE, CREATE_KEY, DELETE_KEY, DELETE_VALUE, CONDITION_...",
                ));
            }
        };
    }
    Ok(batch)
}

fn is_reg(format: Option<&str>) -> Result<bool, Refusal> {
    match format {
        None | Some("json") => Ok(false),
        Some("reg") => Ok(true),
        Some(other) => {
            let text = format!("There is no format '{other}'. Use reg, or leave it out for JSON.");
            Err(Refusal::new(code::INVALID_PARAMETER, text))
        }
    }
}

fn missing_key(path: &str) -> Refused {
    let text = format!("There is no key '{path}' in the cluster registry. Ask for its parent to see what is there.");
    Refusal::new(code::FILE_NOT_FOUND, text).fact("Path", path).into()
}

fn missing_value(path: &str, name: &str) -> Refused {
    let text = format!("The key '{path}' has no value '{name}'.");
    Refusal::new(code::FILE_NOT_FOUND, text).fact("Path", path).fact("Value", name).into()
}

/// The key of an address.
fn path_of(uri: &Uri) -> Result<String, Refusal> {
    let rest = uri.path().strip_prefix(PREFIX).and_then(|p| p.strip_prefix("/registry")).unwrap_or_default();
    let segments: Result<Vec<String>, Refusal> = rest.split('/').filter(|s| !s.is_empty()).map(decode).collect();
    Ok(segments?.join("\\"))
}

/// Undoes percent-encoding.
fn decode(segment: &str) -> Result<String, Refusal> {
    let bad = || {
        Refusal::new(code::INVALID_NAME, format!("'{segment}' is not a percent-encoded name.")).fact("Segment", segment)
    };
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or_else(bad)?;
        rest = after;
        let digits = std::str::from_utf8(digits).map_err(|_| bad())?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
    }
    String::from_utf8(bytes).map_err(|_| bad())
}
