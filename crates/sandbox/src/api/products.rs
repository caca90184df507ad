//! `/v1/products`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Call,
    list::Paging,
    metadata, prices,
    shape::{self, Member, Shape},
};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    ids::Id,
    render,
    state::{
        State,
        objects::{Metadata, Product, Shown, Snapshot},
    },
};

/// Parameters that are shown as given.
const SHOWN: [Member; 7] = [
    ("marketing_features", Shape::Objects(&[("name", Shape::Text(80))])),
    (
        "package_dimensions",
        Shape::Object(&[
            ("height", Shape::Number),
            ("length", Shape::Number),
            ("weight", Shape::Number),
            ("width", Shape::Number),
        ]),
    ),
    ("shippable", Shape::Flag),
    ("statement_descriptor", Shape::Text(22)),
    ("tax_code", Shape::Text(5_000)),
    ("unit_label", Shape::Text(12)),
    ("url", Shape::Text(5_000)),
];

pub(super) fn find<'a>(state: &'a State, id: &str, param: &str) -> Answer<&'a Arc<Product>> {
    state.products.get(id).ok_or_else(|| ApiError::missing("product", id, param))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let id = params.text("id")?;
    if let Some(id) = id.as_deref().filter(|id| state.products.get(id).is_some()) {
        return Err(params
            .error("id", format!("Product already exists: {id}"))
            .code("resource_already_exists"));
    }
    let default_price = params.object("default_price_data")?;
    let product = read(state, params, id)?;
    params.ignore(&["type"]);
    params.done()?;
    let id = Arc::clone(&product.id);
    let product = state.products.insert(product);
    if let Some(mut data) = default_price {
        let price = prices::read(state, &mut data, Some(Arc::clone(&id)))?;
        data.done()?;
        let price = prices::add(state, price);
        let product = state.products.change(&id, |row| row.default_price = Some(price));
        return announce(state, "product.created", product);
    }
    announce(state, "product.created", Some(product))
}

fn announce(state: &mut State, kind: &'static str, product: Option<Arc<Product>>) -> Answer {
    let Some(product) = product else { return Ok(Value::Null) };
    state.emit(kind, Snapshot::Product(Arc::clone(&product)));
    Ok(render::product(&product))
}

/// A product from `product_data` or a whole call.
pub(super) fn read(state: &mut State, params: &mut Params, id: Option<String>) -> Answer<Product> {
    let name = params.need("name")?;
    let now = state.now();
    Ok(Product {
        id: id.map_or_else(|| state.ids.next("prod_"), Into::into),
        created: now,
        updated: now,
        active: params.boolean("active")?.unwrap_or(true),
        name,
        description: params.text("description")?,
        images: images(params)?,
        metadata: metadata(params, "metadata", &Metadata::default())?,
        default_price: None,
        shown: shape::take_all(params, &SHOWN, &Shown::default())?,
    })
}

fn images(params: &mut Params) -> Answer<Vec<String>> {
    let images = params.texts("images")?;
    if images.len() > 8 {
        return Err(params.error("images", "A product can have up to 8 images."));
    }
    Ok(images)
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id, "id").map(|product| render::product(product))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id, "id")?).clone();
    let params = &mut call.params;
    if let Change::Set(name) = params.change("name")? {
        next.name = name;
    }
    next.active = params.boolean("active")?.unwrap_or(next.active);
    match params.change("description")? {
        Change::Leave => {}
        Change::Unset => next.description = None,
        Change::Set(description) => next.description = Some(description),
    }
    if params.has("images") {
        next.images = images(params)?;
    }
    let price = params.change("default_price")?;
    if price == Change::Unset {
        next.default_price = None;
    }
    if let Change::Set(price) = price {
        let found = prices::find(state, &price, "default_price")?;
        if found.product != next.id {
            return Err(params.error(
                "default_price",
                format!("The price {price} is not for the product {}.", next.id),
            ));
        }
        next.default_price = Some(Arc::clone(&found.id));
    }
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    next.shown = shape::take_all(params, &SHOWN, &next.shown)?;
    params.done()?;
    next.updated = state.now();
    let product = state.products.insert(next);
    announce(state, "product.updated", Some(product))
}

pub(super) fn delete(state: &mut State, call: &mut Call) -> Answer {
    let id: Id = Arc::clone(&find(state, &call.id, "id")?.id);
    call.params.done()?;
    if state.prices.iter().any(|price| price.product == id) {
        return Err(ApiError::invalid(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    if let Some(product) = state.products.remove(&id) {
        state.emit("product.deleted", Snapshot::Product(product));
    }
    Ok(json!({ "id": &*id, "object": "product", "deleted": true }))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let active = params.boolean("active")?;
    let ids = params.texts("ids")?;
    let shippable = params.boolean("shippable")?;
    let url = params.text("url")?;
    params.ignore(&["type"]);
    params.done()?;
    let shows = |row: &Product, name: &str, asked: Option<Value>| {
        asked.is_none_or(|asked| row.shown.get(name) == Some(&asked))
    };
    let (rows, has_more) = paging.newest(&state.products, None, "product", |row| {
        active.is_none_or(|active| row.active == active)
            && shows(row, "shippable", shippable.map(Value::from))
            && shows(row, "url", url.clone().map(Value::from))
            && (ids.is_empty() || ids.iter().any(|id| **id == *row.id))
    })?;
    Ok(render::list(
        rows.iter().map(|row| render::product(row)).collect(),
        has_more,
        "/v1/products",
    ))
}
