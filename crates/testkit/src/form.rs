//! A page's form, filled in as a browser does.

use scraper::{ElementRef, Html, Selector};

/// A form with what a browser would send of it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    fields: Vec<(String, String)>,
    /// Boxes that are not ticked.
    open: Vec<(String, String)>,
}

impl Form {
    /// The form whose action is `action`, or else the first one whose action begins with it. Those that only search are passed over.
    pub fn of(html: &str, action: &str) -> Option<Self> {
        let page = Html::parse_document(html);
        let forms = selector("form");
        let forms: Vec<_> = page.select(&forms).filter(|form| form.attr("method") != Some("get")).collect();
        let begins =
            |form: &&ElementRef<'_>| form.attr("action").is_some_and(|found| found.starts_with(action));
        let form = forms
            .iter()
            .find(|form| form.attr("action") == Some(action))
            .or_else(|| forms.iter().find(begins))?;
        let mut filled =
            Self { action: form.attr("action")?.to_owned(), fields: Vec::new(), open: Vec::new() };
        for field in form.select(&selector("input[name], select[name], textarea[name]")) {
            filled.read(field);
        }
        Some(filled)
    }

    fn read(&mut self, field: ElementRef<'_>) {
        let attribute = |name: &str| field.attr(name).unwrap_or_default().to_owned();
        let (name, kind) = (attribute("name"), attribute("type"));
        if field.attr("disabled").is_some() {
            return;
        }
        match (field.value().name(), kind.as_str()) {
            ("select", _) => {
                let options = selector("option");
                let options: Vec<_> = field.select(&options).collect();
                let chosen =
                    options.iter().find(|option| option.attr("selected").is_some()).or(options.first());
                if let Some(option) = chosen {
                    let text = || option.text().collect::<String>().trim().to_owned();
                    self.fields.push((name, option.attr("value").map_or_else(text, str::to_owned)));
                }
            }
            ("textarea", _) => self.fields.push((name, field.text().collect())),
            (_, "submit" | "button" | "file" | "image" | "reset") => {}
            (_, "checkbox" | "radio") => {
                let value = field.attr("value").unwrap_or("on").to_owned();
                let list = if field.attr("checked").is_some() { &mut self.fields } else { &mut self.open };
                list.push((name, value));
            }
            _ => self.fields.push((name, attribute("value"))),
        }
    }

    /// What a field holds.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Types into a field, or chooses from a list.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        let field = self.fields.iter_mut().find(|(field, _)| field == name);
        field.unwrap_or_else(|| panic!("the form {} has no field {name}", self.action)).1 = value.into();
        self
    }

    /// The value of the radio button or box that the page labels with this text.
    pub fn labelled(html: &str, text: &str) -> Option<String> {
        let page = Html::parse_document(html);
        let is_it = |label: &ElementRef<'_>| label.text().any(|part| part.trim() == text);
        let label = page.select(&selector("label")).find(is_it)?;
        Some(label.select(&selector("input")).next()?.attr("value")?.to_owned())
    }

    /// Chooses one of several radio buttons.
    #[must_use]
    pub fn choose(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        let found = self.open.iter().any(|(field, offered)| field == name && offered == value);
        assert!(found, "the form {} does not offer {name}={value}: {:?}", self.action, self.open);
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Ticks a box, where the page shows one of this name.
    #[must_use]
    pub fn tick(mut self, name: &str) -> Self {
        let (ticked, open) = self.open.into_iter().partition(|(field, _)| field == name);
        self.open = open;
        self.fields.extend::<Vec<_>>(ticked);
        self
    }

    /// Takes the tick from all boxes of this name.
    #[must_use]
    pub fn untick(mut self, name: &str) -> Self {
        let (ticked, fields) = self.fields.into_iter().partition(|(field, _)| field == name);
        self.fields = fields;
        self.open.extend::<Vec<_>>(ticked);
        self
    }

    /// Presses one of the buttons that have a name.
    #[must_use]
    pub fn press(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// What is sent.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("a selector of this file is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sends_what_a_browser_sends() {
        let html = r#"<form action="/a"><input name=x value=1><input type=checkbox name=c value=yes><input type=radio name=r value=1 checked>
            <input type=radio name=r value=2><select name=s><option value=p>P<option selected>q</select><button name=b>go</button></form>"#;
        let form = Form::of(html, "/a").unwrap();
        let pairs = |form: &Form| {
            form.fields().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        };
        assert_eq!(pairs(&form), "x=1&r=1&s=q");
        let form = form.set("x", "2").tick("c").choose("r", "2");
        assert_eq!(pairs(&form), "x=2&s=q&c=yes&r=2");
    }
}
