//! Lists of packages as people have them: install commands, names, requirements, bullets, comments, in any mixture.

mod command;
mod line;

use self::command::Segment;
use self::line::Token;
use super::list::PackageList;
use super::{Package, PackageManager, shown};

/// What a pasted text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pasted {
    /// The packages, each once, in the order in which they are named.
    pub packages: Vec<Package>,
    /// What could not be read, in the order of the lines. Everything else was packages, comments, options that change nothing of what is
    /// installed, and commands that install nothing.
    pub unread: Vec<Unread>,
    /// The unread lines as they can be mended and read again; of an install command only what was wrong with it.
    pub rest: String,
}

/// Something in a pasted text that names no package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The line's number, counted from 1.
    pub line: usize,
    /// What was written there, shortened.
    pub text: String,
    /// Why it was not read, and what would be.
    pub reason: String,
}

/// Reads a pasted text. A name is `manager`'s where nothing says otherwise: neither a command (`apt install …`, `pip install …`), nor a
/// prefix (`npm:typescript`), nor a notation that only one manager has (`requests==2.31`, `@scope/name`).
///
/// A line of bare names is taken whole or not at all, so that prose and shell never become packages word by word.
pub fn read(text: &str, manager: PackageManager) -> Pasted {
    let mut reader =
        Reader { manager, packages: PackageList::default(), unread: Vec::new(), rest: String::new() };
    let text = text.replace("\r\n", "\n");
    let mut lines = (1..).zip(text.split(['\n', '\r']));
    while let Some((number, first)) = lines.next() {
        let mut tokens = Vec::new();
        let mut whole = vec![first];
        let (mut number_now, mut line) = (number, first);
        loop {
            let continued = line.trim_end().strip_suffix('\\');
            match line::clean(continued.unwrap_or(line), number_now == number) {
                Ok(clean) => line::tokens(clean, number_now, &mut tokens),
                Err(reason) => reader.refuse(number_now, line, reason),
            }
            match continued.and_then(|_| lines.next()) {
                Some(next) => (number_now, line) = next,
                None => break,
            }
            whole.push(line);
        }
        reader.line(number, &whole.join("\n"), &line::joined(tokens));
    }
    Pasted {
        packages: reader.packages.into_packages(),
        unread: reader.unread,
        rest: reader.rest.trim_end().to_owned(),
    }
}

struct Reader {
    manager: PackageManager,
    packages: PackageList,
    unread: Vec<Unread>,
    rest: String,
}

impl Reader {
    /// A line with those that continue it.
    fn line(&mut self, number: usize, whole: &str, tokens: &[Token]) {
        let segments = command::segments(tokens);
        if !segments.iter().any(|segment| matches!(segment, Segment::Install { .. } | Segment::Nothing)) {
            return self.bare(number, whole, tokens);
        }
        for segment in segments {
            match segment {
                Segment::Nothing => {}
                Segment::Install { manager, command, arguments } => {
                    self.install(number, manager, command, arguments);
                }
                Segment::Other(tokens) => {
                    let at = tokens.first().map_or(number, |token| token.line);
                    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
                    // So that it is not taken for names the next time.
                    let text = format!("&& {}", words.join(" "));
                    self.refuse(at, &text, "this command installs no packages".into());
                }
            }
        }
    }

    /// The arguments of an install command: each for itself.
    fn install(&mut self, number: usize, manager: PackageManager, command: &str, arguments: &[Token]) {
        let mut wrong = Vec::new();
        let mut named = false;
        let mut arguments = arguments.iter();
        while let Some(token) = arguments.next() {
            let text = token.text.as_str();
            if text.starts_with('-') {
                let Some(reason) = command::option(manager, text) else { continue };
                let value = command::takes_value(manager, text).then(|| arguments.next()).flatten();
                let text = value.map_or_else(|| text.to_owned(), |value| format!("{text} {}", value.text));
                self.unread.push(Unread { line: token.line, text: shown(&text), reason });
                wrong.push(as_typed(&text));
                named = true;
                continue;
            }
            named = true;
            match package(manager, text) {
                Ok(package) => _ = self.packages.add(package),
                Err(reason) => {
                    self.unread.push(Unread { line: token.line, text: shown(text), reason });
                    wrong.push(as_typed(text));
                }
            }
        }
        if !named {
            self.unread.push(Unread {
                line: number,
                text: command.into(),
                reason: "this command names no package".into(),
            });
        }
        if !named || !wrong.is_empty() {
            self.keep(&format!("{command} {}", wrong.join(" ")));
        }
    }

    /// Names alone: all of them or none.
    fn bare(&mut self, number: usize, whole: &str, tokens: &[Token]) {
        match self.names(tokens, whole) {
            Ok(packages) => self.packages.extend(packages),
            Err(reason) => self.refuse(number, whole, reason),
        }
    }

    fn names(&self, tokens: &[Token], whole: &str) -> Result<Vec<Package>, String> {
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(reason) = line::foreign(whole) {
            return Err(reason.into());
        }
        if let Some(reason) = command::half(tokens) {
            return Err(reason);
        }
        let tokens = line::selected(tokens, whole);
        let mut manager = None;
        let mut packages = Vec::new();
        // The checksums of a requirements file name nothing.
        let tokens = tokens.iter().filter(|token| !token.text.starts_with("--hash="));
        for (position, token) in tokens.clone().enumerate() {
            // `apt: nginx curl`.
            let heading = token.text.strip_suffix(':').and_then(|name| name.parse().ok());
            if position == 0 && heading.is_some() {
                manager = heading;
                if tokens.clone().count() == 1 {
                    return Err("write the names on the same line".into());
                }
                continue;
            }
            packages.push(match manager {
                Some(manager) => package(manager, &token.text)?,
                None => self.name(&token.text)?,
            });
        }
        Ok(packages)
    }

    /// A name whose manager may stand before it or show in how it is written.
    fn name(&self, text: &str) -> Result<Package, String> {
        let named = text.split_once(':').and_then(|(manager, name)| Some((manager.parse().ok()?, name)));
        match named {
            Some((manager, name)) => package(manager, name),
            None if text.starts_with('@') && text.contains('/') => package(PackageManager::Npm, text),
            None if text.contains("==") => package(PackageManager::Pip, text),
            None => package(self.manager, text),
        }
    }

    fn refuse(&mut self, line: usize, text: &str, reason: String) {
        self.unread.push(Unread { line, text: shown(text.trim()), reason });
        self.keep(text);
    }

    fn keep(&mut self, line: &str) {
        self.rest.push_str(line.trim_end());
        self.rest.push('\n');
    }
}

/// A word as it is read again: a backslash at its end must not join two lines.
fn as_typed(text: &str) -> String {
    if text.ends_with('\\') { format!("\"{text}\"") } else { text.to_owned() }
}

/// One package, or why it is none.
fn package(manager: PackageManager, text: &str) -> Result<Package, String> {
    let is_place = ["/", "./", "../", "~/", "git+", "file:"].iter().any(|start| text.starts_with(start));
    if text.starts_with('-') {
        return Err(command::option(manager, text)
            .unwrap_or_else(|| format!("\"{}\" is an option and no package", shown(text))));
    }
    if is_place || text.contains("://") {
        return Err(
            "this is a file or an address: only names that the package manager looks up are kept".into()
        );
    }
    if ["<", ">", "~=", "!="].iter().any(|range| text.contains(range)) {
        return Err("only an exact version can be kept: write NAME==VERSION, or the name alone".into());
    }
    if manager == PackageManager::Apt && text.contains('/') {
        return Err("what follows the slash is not kept: write the name alone, or name=version".into());
    }
    Package::parse(manager, text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
