//! One line: what surrounds the names in it, and its words.

use super::command;

/// What stands between two commands.
pub(super) const SEPARATORS: [char; 3] = [';', '&', '|'];

/// A word and the line that it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// The part of a line that says something: without comment and, where a list's item begins, without bullet and prompt. The error says why
/// a comment may not be one.
pub(super) fn clean(line: &str, begins: bool) -> Result<&str, String> {
    let line = line.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
    if let Some(comment) = line.strip_prefix('#') {
        let mut words = Vec::new();
        tokens(comment, 0, &mut words);
        return if command::installs(&words) {
            Err("a line that begins with # is a comment: take the # away if it is root's prompt".into())
        } else {
            Ok("")
        };
    }
    let line = if begins { without_prompt(without_bullet(line)) } else { line };
    // An address may hold a #; a comment follows a space.
    let comment = line.match_indices('#').find(|(at, _)| line[..*at].ends_with(char::is_whitespace));
    let line = comment.map_or(line, |(at, _)| line[..at].trim_end());
    Ok(if begins { line.strip_prefix("RUN ").unwrap_or(line).trim_start() } else { line })
}

/// `- `, `* `, `• `, `1. `, `2) `, and a box to tick after it.
fn without_bullet(mut line: &str) -> &str {
    for _ in 0..2 {
        let numbered = line.trim_start_matches(|character: char| character.is_ascii_digit());
        let marked = line
            .strip_prefix(['-', '*', '+', '•', '·', '‣', '–', '—'])
            .or_else(|| ["[ ]", "[x]", "[X]"].iter().find_map(|tick| line.strip_prefix(tick)))
            .or_else(|| numbered.strip_prefix(['.', ')']).filter(|_| numbered.len() < line.len()));
        match marked.filter(|rest| rest.starts_with(char::is_whitespace)) {
            Some(rest) => line = rest.trim_start(),
            None => break,
        }
    }
    line
}

/// `$ `, `> `, `me@host:~$ `, `[root@host ~]# `.
fn without_prompt(line: &str) -> &str {
    let mut ends = line.match_indices(['$', '#']).map(|(at, _)| at + 1);
    let end = ends.find(|end| line[*end..].starts_with(char::is_whitespace));
    let is_prompt = |text: &str| text == "$" || (text.contains('@') && text.contains([':', '[']));
    match (line.strip_prefix("> "), end) {
        (Some(rest), _) => rest.trim_start(),
        (None, Some(end)) if is_prompt(&line[..end]) => line[end..].trim_start(),
        _ => line,
    }
}

/// Adds a line's words: between spaces and commas, but for those in brackets, and without quotation marks around them. What separates
/// commands is a word of its own.
pub(super) fn tokens(line: &str, number: usize, into: &mut Vec<Token>) {
    let mut depth = 0_usize;
    let words = line.split(|character: char| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character.is_whitespace() || (character == ',' && depth == 0)
    });
    let parts = words.flat_map(|word| word.split_inclusive(SEPARATORS)).flat_map(|part| {
        let text = part.strip_suffix(SEPARATORS).unwrap_or(part);
        [text, &part[text.len()..]]
    });
    for part in parts {
        let text = part.trim_matches(['"', '\'', '`']);
        if !text.is_empty() {
            into.push(Token { text: text.into(), line: number });
        }
    }
}

/// With a version that stands apart from its name, as in `requests == 2.31`, joined to it.
pub(super) fn joined(tokens: Vec<Token>) -> Vec<Token> {
    const OPERATORS: [&str; 8] = ["===", "==", ">=", "<=", "~=", "!=", "=", ">"];
    let mut joined: Vec<Token> = Vec::new();
    let mut expects = false;
    for token in tokens {
        let begins = OPERATORS.iter().any(|operator| token.text.starts_with(operator));
        let ends = OPERATORS.iter().any(|operator| token.text.ends_with(operator));
        match joined.last_mut() {
            Some(last) if last.line == token.line && (begins || expects) => last.text.push_str(&token.text),
            _ => joined.push(token),
        }
        expects = ends;
    }
    joined
}

/// A line of `dpkg --get-selections` names its package before a tab.
pub(super) fn selected<'a>(tokens: &'a [Token], whole: &str) -> &'a [Token] {
    match tokens {
        [name, state] if whole.contains('\t') && ["install", "hold"].contains(&state.text.as_str()) => {
            std::slice::from_ref(name)
        }
        all => all,
    }
}

/// Why a line of a requirements file is none of our names.
pub(super) fn foreign(whole: &str) -> Option<&'static str> {
    let line = whole.trim_start();
    let condition = line.contains(';')
        && [
            "python_version",
            "python_full_version",
            "sys_platform",
            "platform_",
            "os_name",
            "implementation_name",
        ]
        .iter()
        .any(|marker| line.contains(marker));
    if condition {
        return Some("the condition after the semicolon is not kept: write the requirement alone");
    }
    let reads_file = ["-r ", "-r\t", "--requirement", "-c ", "--constraint"];
    let is_file = reads_file.iter().any(|option| line.starts_with(option));
    is_file.then_some("this names a file that is not here: paste its lines instead")
}
