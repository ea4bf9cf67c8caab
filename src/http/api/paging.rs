//! Pages of lists: size and cursor.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::problem::Problem;
use crate::store::Page as StorePage;

/// Default and maximum number of items on a page.
const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1_000;

/// The end of a page. Opaque to callers, and safe in a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("maxLength" = 512))]
pub(super) struct Cursor(String);

impl Cursor {
    /// The position of the last item of a page.
    pub(super) fn at(position: &impl ToString) -> Self {
        Self(URL_SAFE_NO_PAD.encode(position.to_string()))
    }

    /// Decodes the position.
    pub(super) fn read<T: FromStr>(&self) -> Result<T, Problem> {
        let text =
            URL_SAFE_NO_PAD.decode(&self.0).ok().and_then(|text| String::from_utf8(text).ok());
        text.and_then(|text| text.parse().ok()).ok_or_else(|| {
            Problem::invalid(
                "cursor",
                "`cursor` must be the `next` cursor of a previous page; omit it for the first page",
            )
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// The `next` cursor of the previous page.
    pub(super) cursor: Option<Cursor>,
    /// Maximum number of items.
    #[schemars(range(min = 1, max = 1_000))]
    pub(super) limit: Option<usize>,
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(super) struct Page<T> {
    /// The items.
    items: Vec<T>,
    /// The cursor of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Cuts `items` to `limit`; one item more than that means that there is a next page.
    fn cut<P: ToString>(mut items: Vec<T>, limit: usize, position: impl FnOnce(&T) -> P) -> Self {
        let is_cut = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| is_cut).map(|last| Cursor::at(&position(last)));
        Self { items, next }
    }

    /// A page that ends at `next`.
    pub(super) const fn until(items: Vec<T>, next: Option<Cursor>) -> Self {
        Self { items, next }
    }

    /// Converts the items.
    pub(super) fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}

/// The page after `cursor` of the items from `read`; `position` is an item's position.
///
/// Reads one item more than the page shows, to find out whether there is a next page.
pub(super) async fn list<P, T, R, E>(
    cursor: Option<Cursor>,
    requested: Option<usize>,
    read: impl FnOnce(StorePage<P>) -> R,
    position: impl FnOnce(&T) -> P,
) -> Result<Page<T>, Problem>
where
    P: FromStr + ToString,
    R: Future<Output = Result<Vec<T>, E>>,
    Problem: From<E>,
{
    let limit = limit(requested)?;
    let page = StorePage { after: after(cursor.as_ref())?, limit: limit + 1 };
    Ok(Page::cut(read(page).await?, limit, position))
}

/// Validates a page size.
pub(super) fn limit(requested: Option<usize>) -> Result<usize, Problem> {
    let limit = requested.unwrap_or(DEFAULT_PAGE);
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid("limit", format!("found {limit}; expected 1 to {MAX_PAGE}")))
}

/// The position of a cursor.
pub(super) fn after<T: FromStr>(cursor: Option<&Cursor>) -> Result<Option<T>, Problem> {
    cursor.map(Cursor::read).transpose()
}
