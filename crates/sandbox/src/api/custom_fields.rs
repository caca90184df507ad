//! `custom_fields`: the merchant's own questions.

use super::shape::{needed, text};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    state::objects::{CustomField, FieldKind},
};

const FIELDS_MAX: usize = 3;
const OPTIONS_MAX: usize = 200;
const CHARS_MAX: i64 = 255;

pub(super) fn read(params: &mut Params) -> Answer<Vec<CustomField>> {
    let entries = params.objects("custom_fields")?;
    if entries.len() > FIELDS_MAX {
        return Err(
            params.error("custom_fields", format!("You can add up to {FIELDS_MAX} custom fields."))
        );
    }
    let mut fields: Vec<CustomField> = Vec::new();
    for mut entry in entries {
        let field = one(&mut entry)?;
        entry.done()?;
        if fields.iter().any(|known| known.key == field.key) {
            return Err(entry.error("key", format!("The key `{}` is used twice.", field.key)));
        }
        fields.push(field);
    }
    Ok(fields)
}

fn one(entry: &mut Params) -> Answer<CustomField> {
    let key = entry.need("key")?;
    if key.len() > 200 || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(
            entry.error("key", "Invalid key: it must be alphanumeric, up to 200 characters.")
        );
    }
    let mut label = needed(entry, "label")?;
    label.one_of("type", &["custom"])?.ok_or_else(|| ApiError::required(&label.path_of("type")))?;
    let custom = text(&mut label, "custom", 50)?;
    let custom = custom.ok_or_else(|| ApiError::required(&label.path_of("custom")))?;
    label.done()?;
    let optional = entry.boolean("optional")?.unwrap_or(false);
    let kind = entry
        .one_of("type", &["dropdown", "numeric", "text"])?
        .ok_or_else(|| ApiError::required(&entry.path_of("type")))?;
    let (kind, default) = match (kind, entry.object(kind)?) {
        ("dropdown", None) => return Err(ApiError::required(&entry.path_of("dropdown"))),
        ("dropdown", Some(details)) => dropdown(details)?,
        (kind, details) => written(kind, details)?,
    };
    let field = CustomField { key, label: custom, optional, kind, default };
    if let Some(problem) = field.default.as_deref().and_then(|default| field.misfit(default)) {
        return Err(entry.error("default_value", format!("Invalid default value: {problem}")));
    }
    Ok(field)
}

fn dropdown(mut details: Params) -> Answer<(FieldKind, Option<String>)> {
    let mut options: Vec<(String, String)> = Vec::new();
    for mut option in details.objects("options")? {
        let (label, value) = (option.need("label")?, option.need("value")?);
        option.done()?;
        if value.len() > 100 || !value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(option.error("value", "Invalid value: it must be alphanumeric."));
        }
        if options.iter().any(|(known, _)| *known == value) {
            return Err(option.error("value", format!("The value `{value}` is used twice.")));
        }
        options.push((value, label));
    }
    if options.is_empty() {
        return Err(ApiError::required(&details.path_of("options")));
    }
    if options.len() > OPTIONS_MAX {
        return Err(
            details.error("options", format!("A dropdown takes up to {OPTIONS_MAX} options."))
        );
    }
    let default = text(&mut details, "default_value", 100)?;
    details.done()?;
    Ok((FieldKind::Dropdown(options), default))
}

fn written(kind: &str, details: Option<Params>) -> Answer<(FieldKind, Option<String>)> {
    let (mut minimum, mut maximum, mut default) = (None, None, None);
    if let Some(mut details) = details {
        minimum = details.integer("minimum_length")?;
        maximum = details.integer("maximum_length")?;
        default = text(&mut details, "default_value", 255)?;
        details.done()?;
        let (least, most) = (minimum.unwrap_or(1), maximum.unwrap_or(CHARS_MAX));
        if least < 1 || most > CHARS_MAX || least > most {
            return Err(details.error(
                "maximum_length",
                format!("Invalid length: {least} to {most}. It must be between 1 and {CHARS_MAX}."),
            ));
        }
    }
    let kind = match kind {
        "numeric" => FieldKind::Numeric { minimum, maximum },
        _ => FieldKind::Text { minimum, maximum },
    };
    Ok((kind, default))
}
