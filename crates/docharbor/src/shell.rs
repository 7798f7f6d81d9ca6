//! Variables as each shell wants them written.

use std::fmt::Write as _;

use clap::ValueEnum;

/// A shell, or a format that programs read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// bash, zsh and every other POSIX shell: eval "$(docharbor env)"
    #[default]
    Bash,
    /// fish: docharbor env --shell fish | source
    Fish,
    /// PowerShell: docharbor env --shell powershell | Out-String | Invoke-Expression
    Powershell,
    /// A .env file
    Dotenv,
    /// One JSON object
    Json,
}

/// Writes assignments that give each variable exactly its value, whatever characters it has.
pub(crate) fn assignments(shell: Shell, variables: &[(&str, &str)]) -> String {
    if shell == Shell::Json {
        let object: serde_json::Map<String, serde_json::Value> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        return format!("{}\n", serde_json::Value::Object(object));
    }
    let mut text = String::new();
    for (name, value) in variables {
        // Writing to a String cannot fail.
        let _infallible = match shell {
            Shell::Bash => writeln!(text, "export {name}={}", posix_quoted(value)),
            Shell::Fish => writeln!(text, "set -gx {name} {}", fish_quoted(value)),
            Shell::Powershell => writeln!(text, "$Env:{name} = {}", powershell_quoted(value)),
            Shell::Dotenv => writeln!(text, "{name}={}", dotenv_quoted(value)),
            Shell::Json => Ok(()),
        };
    }
    text
}

/// The word as a POSIX shell reads it back; quoted only where it must be.
pub(crate) fn posix_quoted(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn fish_quoted(word: &str) -> String {
    format!("'{}'", word.replace('\\', r"\\").replace('\'', r"\'"))
}

/// PowerShell takes the typographic quotes for quotes as well.
fn powershell_quoted(word: &str) -> String {
    let mut quoted = String::from("'");
    for character in word.chars() {
        if matches!(character, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

/// Readers of such files agree on bare words, on single quotes, and less on the rest.
fn dotenv_quoted(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    if !word.contains(['\'', '\n', '\r', '\\']) {
        return format!("'{word}'");
    }
    let mut quoted = String::from("\"");
    for character in word.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '"' | '\\' | '$' | '`' => quoted.extend(['\\', character]),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with('~')
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./:@+,".contains(&b))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const HOSTILE: [&str; 20] = [
        "",
        "plain",
        "http://127.0.0.1:8420",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY=",
        "two words",
        "it's",
        "'",
        "''",
        "\"double\"",
        "$HOME ${HOME} $(id) `id`",
        "back\\slash \\' \\n \\\\",
        "semi;colon && true | cat > /dev/null &",
        "#comment",
        "~root",
        "*?[a]",
        "line\nfeed\r\n",
        "!history",
        "\u{2018}typographic\u{2019} \u{201a}\u{201b}",
        "é 報告 🦀 \u{202e}rtl",
        "\t-n -e",
    ];

    #[test]
    fn a_real_bash_reads_back_every_value() {
        for value in HOSTILE {
            let script = format!("{}printf %s \"$X\"", assignments(Shell::Bash, &[("X", value)]));
            for shell in ["bash", "sh"] {
                let Ok(output) = Command::new(shell).arg("-c").arg(&script).output() else {
                    continue;
                };
                assert_eq!(String::from_utf8_lossy(&output.stdout), value, "{shell}: {script}");
            }
        }
    }

    #[test]
    fn bash_gets_through_eval_what_the_command_printed() {
        for value in HOSTILE {
            let printed = assignments(Shell::Bash, &[("X", value), ("Y", "end")]);
            let Ok(output) = Command::new("bash")
                .arg("-c")
                .arg("eval \"$(printf %s \"$1\")\"; printf '%s|%s' \"$X\" \"$Y\"")
                .args(["bash", &printed])
                .output()
            else {
                continue;
            };
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{value}|end"));
        }
    }

    #[test]
    fn a_real_fish_reads_back_every_value_where_there_is_one() {
        for value in HOSTILE {
            let script = format!("{}printf %s $X", assignments(Shell::Fish, &[("X", value)]));
            let Ok(output) = Command::new("fish").arg("-c").arg(&script).output() else { return };
            assert_eq!(String::from_utf8_lossy(&output.stdout), value, "{script}");
        }
    }

    #[test]
    fn json_reads_back_every_value() {
        for value in HOSTILE {
            let printed = assignments(Shell::Json, &[("X", value)]);
            let read: serde_json::Value = serde_json::from_str(&printed).unwrap();
            assert_eq!(read["X"], value);
            assert_eq!(printed.lines().count(), 1);
        }
    }

    #[test]
    fn each_shell_has_its_own_quotes() {
        for (shell, value, text) in [
            (Shell::Bash, "a'b", r"export X='a'\''b'"),
            (Shell::Bash, "a-b", "export X=a-b"),
            (Shell::Bash, "", "export X=''"),
            (Shell::Fish, r"a'b\", r"set -gx X 'a\'b\\'"),
            (Shell::Fish, "$(id)", "set -gx X '$(id)'"),
            (Shell::Powershell, "a'b$c", "$Env:X = 'a''b$c'"),
            (Shell::Powershell, "a\u{2019}b", "$Env:X = 'a\u{2019}\u{2019}b'"),
            (Shell::Dotenv, "a b$c", "X='a b$c'"),
            (Shell::Dotenv, "a'b$c\n", r#"X="a'b\$c\n""#),
            (Shell::Dotenv, "#a", "X='#a'"),
            (Shell::Dotenv, "", "X=''"),
        ] {
            assert_eq!(assignments(shell, &[("X", value)]), format!("{text}\n"));
        }
    }
}
