//! Finds the SQL in Rust sources: literals, `concat!` of them, and the macros they are built with.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A token of a source, as far as SQL is concerned.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Literal(String),
    Mark(char),
}

/// Every statement in the crate's sources but those of its tests, with white space made single.
pub(crate) fn statements() -> Vec<String> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let sources: Vec<_> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    statements_of(&sources)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().unwrap() == "conformance" {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Macros may be used in another file than their own, so all files are read before any is searched.
pub(crate) fn statements_of(sources: &[String]) -> Vec<String> {
    let mut macros = HashMap::new();
    let bodies: Vec<Vec<Token>> = sources
        .iter()
        .map(|source| {
            let shipped = source.split("#[cfg(test)]\nmod tests").next().unwrap();
            without_macros(&tokens(shipped), &mut macros)
        })
        .collect();
    let texts = bodies.iter().flat_map(|body| texts(body, &macros));
    texts.map(|text| single_spaced(&text)).filter(|text| is_statement(text)).collect()
}

fn is_statement(text: &str) -> bool {
    let verb = text.split(' ').next().unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&verb) && text.contains(' ')
}

fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            let (text, taken) = literal(rest);
            tokens.push(Token::Literal(text));
            taken
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\'") {
            3
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let taken = end.unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..taken].to_owned()));
            taken
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    tokens
}

/// The value of the literal a source begins with, and its length in the source.
fn literal(source: &str) -> (String, usize) {
    let mut text = String::new();
    let mut chars = source.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, at + 1),
            '\\' => match chars.next().unwrap().1 {
                'n' | '\n' | 't' => text.push(' '),
                escaped => text.push(escaped),
            },
            c => text.push(c),
        }
    }
    panic!("a literal without an end");
}

/// Moves what `macro_rules!` defines from a file into `macros`.
fn without_macros(tokens: &[Token], macros: &mut HashMap<String, Vec<Token>>) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [Token::Word(word), Token::Mark('!'), Token::Word(name), ..]
                if word == "macro_rules" =>
            {
                let body = group(&tokens[at + 3..]);
                macros.insert(name.clone(), body.to_vec());
                at += 3 + body.len();
            }
            _ => {
                kept.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    kept
}

/// The tokens from an opening mark to the one that closes it.
fn group(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_i32;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('(' | '{' | '[') => depth += 1,
            Token::Mark(')' | '}' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &tokens[..=at];
        }
    }
    panic!("a group without an end");
}

/// Every text the tokens stand for: what a macro joins is one text.
fn texts(tokens: &[Token], macros: &HashMap<String, Vec<Token>>) -> Vec<String> {
    let mut texts = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [Token::Word(name), Token::Mark('!'), ..]
                if name == "concat" || macros.contains_key(name) =>
            {
                let arguments = group(&tokens[at + 2..]);
                let body = macros.get(name).map(Vec::as_slice).unwrap_or_default();
                texts.push(joined(body, macros) + &joined(arguments, macros));
                at += 2 + arguments.len();
            }
            [Token::Literal(text), ..] => {
                texts.push(text.clone());
                at += 1;
            }
            _ => at += 1,
        }
    }
    texts
}

fn joined(tokens: &[Token], macros: &HashMap<String, Vec<Token>>) -> String {
    texts(tokens, macros).concat()
}
