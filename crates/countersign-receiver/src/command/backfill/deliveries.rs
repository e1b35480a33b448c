//! What a forge's API says of the past, as the delivery that it would have been.

use serde_json::{Value, json};

use super::Forge;

/// A delivery of the past.
pub(super) struct Delivery {
    /// What GitHub calls it.
    pub(super) event: &'static str,
    /// Its body.
    pub(super) body: Value,
}

/// The delivery for an object of the API; `None` for one that says nothing of an outcome.
pub(super) fn of(forge: Forge, object: &Value) -> Option<Delivery> {
    match forge {
        Forge::Github if object.get("submitted_at").is_some() => review(object),
        Forge::Github if object.get("head").is_some() => pull_request(object),
        Forge::Github => issue(object),
        Forge::Gitlab => merge_request(object),
    }
}

fn text<'a>(object: &'a Value, place: &str) -> Option<&'a str> {
    object.pointer(place)?.as_str()
}

fn pull_request(object: &Value) -> Option<Delivery> {
    text(object, "/closed_at").or(text(object, "/merged_at"))?;
    let mut pull = object.clone();
    let merged = text(object, "/merged_at").is_some();
    pull.as_object_mut()?.insert("merged".into(), merged.into());
    // Who closed it, a list of pull requests does not say; who merged it was a person, unless
    // the forge says otherwise.
    let person = json!({"login": "", "type": if merged { "User" } else { "Bot" }});
    let sender = object.get("merged_by").filter(|user| user.is_object()).unwrap_or(&person);
    let body = json!({
        "action": "closed", "sender": sender,
        "repository": object.pointer("/base/repo")?, "pull_request": pull,
    });
    Some(Delivery { event: "pull_request", body })
}

fn review(object: &Value) -> Option<Delivery> {
    let url = text(object, "/html_url")?.split('#').next()?;
    let (repository, number) = url.rsplit_once("/pull/")?;
    let body = json!({
        "action": "submitted",
        "review": object,
        "repository": repository_at(repository)?,
        "pull_request": {
            "html_url": url,
            "number": number.parse::<u64>().ok()?,
            "head": {"ref": "", "sha": text(object, "/commit_id").unwrap_or_default()},
        },
    });
    Some(Delivery { event: "pull_request_review", body })
}

fn issue(object: &Value) -> Option<Delivery> {
    text(object, "/closed_at")?;
    if object.get("pull_request").is_some() {
        return None;
    }
    let (repository, _) = text(object, "/html_url")?.rsplit_once("/issues/")?;
    let closer = object.get("closed_by").filter(|user| user.is_object());
    let body = json!({
        "action": "closed", "issue": object,
        "repository": repository_at(repository)?, "sender": closer,
    });
    Some(Delivery { event: "issues", body })
}

/// A repository by its URL: owner and name are the last two parts.
fn repository_at(url: &str) -> Option<Value> {
    let (rest, name) = url.rsplit_once('/')?;
    let (_, owner) = rest.rsplit_once('/')?;
    Some(json!({"html_url": url, "full_name": format!("{owner}/{name}")}))
}

fn merge_request(object: &Value) -> Option<Delivery> {
    let (action, at, by) = match text(object, "/state")? {
        "merged" => ("merge", text(object, "/merged_at")?, "/merge_user"),
        "closed" => ("close", text(object, "/closed_at")?, "/closed_by"),
        _ => return None,
    };
    let url = text(object, "/web_url")?;
    let (repository, _) = url.split_once("/-/")?;
    let (path, _) = text(object, "/references/full")?.rsplit_once('!')?;
    let field = |place: &str| object.pointer(place).cloned().unwrap_or_default();
    let body = json!({
        "object_kind": "merge_request",
        "user": object.pointer(by).filter(|user| user.is_object()).or(object.get("merged_by")),
        "project": {"web_url": repository, "path_with_namespace": path},
        "object_attributes": {
            "iid": field("/iid"), "url": url, "action": action, "updated_at": at,
            "author_id": field("/author/id"), "description": field("/description"),
            "source_branch": field("/source_branch"), "source": {"web_url": repository},
            "last_commit": {"id": field("/sha")},
            "merge_commit_sha": field("/merge_commit_sha"),
        },
    });
    Some(Delivery { event: "merge_request", body })
}
