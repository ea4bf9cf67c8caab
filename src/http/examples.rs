//! `/examples` of development mode: pages that show how a browser uses the gateway.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Html;

use super::problem::Problem;

/// The pages by name, with what each shows.
const PAGES: &[(&str, &str, &str)] = &[(
    "chat.html",
    "A guest in a room: connect, join, chat, resume",
    include_str!("../../examples/chat.html"),
)];

pub(super) async fn index() -> Html<String> {
    let links = PAGES.iter().map(|(name, shows, _)| {
        format!("<li><a href=\"/examples/{name}\">{name}</a>: {shows}</li>\n")
    });
    let links: String = links.collect();
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Stagedoor examples</title>\n\
         <h1>Examples</h1>\n<ul>\n{links}</ul>\n</html>\n"
    ))
}

pub(super) async fn page(
    name: Result<Path<String>, PathRejection>,
) -> Result<Html<&'static str>, Problem> {
    let page = name.ok().and_then(|Path(name)| PAGES.iter().find(|(known, ..)| *known == name));
    let page = page.ok_or_else(|| Problem::not_found("no such example; see /examples"))?;
    Ok(Html(page.2))
}
