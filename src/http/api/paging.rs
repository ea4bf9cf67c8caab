//! Pages of lists: how long they are, and where the next one begins.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::problem::Problem;
use crate::store::Page as StorePage;

/// How much a page has, unless asked otherwise, and at most.
const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1_000;

/// Where a page ended. To callers it is opaque, and fits into a URL as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("maxLength" = 512))]
pub(super) struct Cursor(String);

impl Cursor {
    /// The place of the last thing on a page.
    pub(super) fn at(place: &impl ToString) -> Self {
        Self(URL_SAFE_NO_PAD.encode(place.to_string()))
    }

    /// That place again.
    pub(super) fn read<T: FromStr>(&self) -> Result<T, Problem> {
        let text =
            URL_SAFE_NO_PAD.decode(&self.0).ok().and_then(|text| String::from_utf8(text).ok());
        text.and_then(|text| text.parse().ok()).ok_or_else(|| {
            Problem::invalid(
                "cursor",
                "a `cursor` is the `next` of the page before; ask without one",
            )
        })
    }
}

/// Which page of a list is wanted, where that is all there is to ask.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// The `next` of the page before.
    pub(super) cursor: Option<Cursor>,
    /// How many at most.
    #[schemars(range(min = 1, max = 1_000))]
    pub(super) limit: Option<usize>,
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(super) struct Page<T> {
    /// What is on it.
    items: Vec<T>,
    /// What `cursor` takes for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page of at most `limit` of `items`, which are one more where there is a next page.
    fn cut<P: ToString>(mut items: Vec<T>, limit: usize, place: impl FnOnce(&T) -> P) -> Self {
        let is_cut = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| is_cut).map(|last| Cursor::at(&place(last)));
        Self { items, next }
    }

    /// A page that ends at `next`.
    pub(super) const fn until(items: Vec<T>, next: Option<Cursor>) -> Self {
        Self { items, next }
    }

    /// The same page of what `tell` makes of each.
    pub(super) fn map<U>(self, tell: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(tell).collect(), next: self.next }
    }
}

/// The page after `cursor`, of items that `read` gives and each of which is at its `place`.
///
/// One more is read than is shown: it tells whether there is a next page.
pub(super) async fn list<P, T, R, E>(
    cursor: Option<Cursor>,
    asked: Option<usize>,
    read: impl FnOnce(StorePage<P>) -> R,
    place: impl FnOnce(&T) -> P,
) -> Result<Page<T>, Problem>
where
    P: FromStr + ToString,
    R: Future<Output = Result<Vec<T>, E>>,
    Problem: From<E>,
{
    let limit = limit(asked)?;
    let page = StorePage { after: after(cursor.as_ref())?, limit: limit + 1 };
    Ok(Page::cut(read(page).await?, limit, place))
}

/// How much was asked for.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    let limit = asked.unwrap_or(DEFAULT_PAGE);
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid("limit", format!("found {limit}; a page has 1 to {MAX_PAGE} items")))
}

/// The place a cursor names, if there is one.
pub(super) fn after<T: FromStr>(cursor: Option<&Cursor>) -> Result<Option<T>, Problem> {
    cursor.map(Cursor::read).transpose()
}
