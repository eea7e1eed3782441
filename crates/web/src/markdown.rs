//! Markdown from elsewhere as HTML. What is HTML in it becomes its text; links lead to web pages and mail only; pictures become links.

use askama::filters::HtmlSafe;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// Characters of a text that are read; the rest is left out.
const LONGEST: usize = 64 * 1024;

/// HTML that was made here: every piece of text in it is escaped, and every element is one of Markdown's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markdown(String);

impl Markdown {
    /// Renders a text; none where nothing would be seen.
    pub fn render(text: &str) -> Option<Self> {
        let text = &text[..text.floor_char_boundary(LONGEST)];
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
        let mut out = String::new();
        html::push_html(&mut out, Parser::new_ext(text, options).map(harmless));
        (!out.trim().is_empty()).then_some(Self(out))
    }
}

impl std::fmt::Display for Markdown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markdown {}

fn harmless(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(markup) | Event::InlineHtml(markup) => Event::Text(words(&markup).into()),
        Event::Start(
            Tag::Link { link_type, dest_url, id, .. } | Tag::Image { link_type, dest_url, id, .. },
        ) => Event::Start(Tag::Link { link_type, dest_url: allowed(dest_url), title: "".into(), id }),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        other => other,
    }
}

/// An address that leads nowhere else than it says.
fn allowed(address: CowStr<'_>) -> CowStr<'_> {
    let lower = address.to_ascii_lowercase();
    if ["https://", "http://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme)) {
        address
    } else {
        "".into()
    }
}

/// What stands between tags.
fn words(markup: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for character in markup.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => out.push(character),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        Markdown::render(text).map(|markdown| markdown.to_string()).unwrap_or_default()
    }

    #[test]
    fn markdown_is_rendered() {
        let html =
            rendered("# Notes\n\n- [wiki](https://wiki.lan/x)\n- `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |");
        for part in
            ["<h1>Notes</h1>", r#"<a href="https://wiki.lan/x">wiki</a>"#, "<code>code</code>", "<td>1</td>"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert_eq!(Markdown::render(" \n "), None);
    }

    #[test]
    fn nothing_of_it_acts() {
        for text in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "a <b onclick=alert(1)>b</b> c",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html,<script>1</script>)",
            "![x](javascript:alert(1))",
            "<javascript:alert(1)>",
            "[x]: vbscript:1\n\n[x]",
            "<div><svg/onload=alert(1)></div>",
            "<<script>script>alert(1)<</script>/script>",
            "`<script>`",
            "```html\"onload=x\n<script>\n```",
            "[a](https://x \"title\\\" onmouseover=alert(1)\")",
            "<a href='https://x' onmouseover='alert(1)'>x</a>",
        ] {
            let page = scraper::Html::parse_fragment(&rendered(text));
            let all = scraper::Selector::parse("*").unwrap();
            for element in page.select(&all) {
                let name = element.value().name();
                assert!(
                    ["html", "p", "a", "code", "pre", "em", "strong"].contains(&name),
                    "{text}: {name} in {}",
                    rendered(text)
                );
                for (attribute, value) in element.value().attrs() {
                    assert!(["href", "class"].contains(&attribute), "{text}: {attribute}");
                    let led = attribute != "href" || value.is_empty() || value.starts_with("https://");
                    assert!(led, "{text}: {value}");
                }
            }
        }
    }

    #[test]
    fn the_words_of_html_stay() {
        let html = rendered("<div align='center'>\n  <h2>pihole LXC</h2>\n</div>\n\ntext");
        assert!(
            html.contains("pihole LXC") && html.contains("<p>text</p>") && !html.contains("<h2>"),
            "{html}"
        );
    }
}
