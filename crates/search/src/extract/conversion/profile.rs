//! What an office program is told before it starts: a profile of its own, in which nothing is run and
//! nothing is fetched.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// Macros are never run, and links are never followed, whatever the document or its author asks for.
const SETTINGS: [(&str, &str, &str); 8] = [
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Office.Java/VirtualMachine", "Enable", "false"),
    // Both of these mean never.
    ("Office.Writer/Content/Update", "Link", "0"),
    ("Office.Calc/Content/Update", "Link", "1"),
    ("Inet/Settings", "ooInetProxyType", "0"),
];

/// Makes the profile of one conversion.
pub(super) fn make(profile: &Path, program: &Path) -> io::Result<()> {
    let user = profile.join("user");
    fs::create_dir_all(user.join("extensions"))?;
    fs::write(user.join("registrymodifications.xcu"), registry())?;
    // LibreOffice takes a profile of its own build as one that it has set up before, and does not
    // start twice. Another one, or no word of it, costs the second start.
    if let Some(build) = build(program) {
        fs::write(user.join("extensions/buildid"), build)?;
    }
    Ok(())
}

fn registry() -> String {
    let mut registry = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<oor:items \
                        xmlns:oor=\"http://openoffice.org/2001/registry\">\n"
        .to_owned();
    for (path, name, value) in SETTINGS {
        // Writing to a String cannot fail.
        let _infallible = writeln!(
            registry,
            "<item oor:path=\"/org.openoffice.{path}\"><prop oor:name=\"{name}\" oor:op=\"fuse\">\
             <value>{value}</value></prop></item>"
        );
    }
    registry.push_str("</oor:items>\n");
    registry
}

fn build(program: &Path) -> Option<String> {
    let versions = fs::read_to_string(program.with_file_name("versionrc")).ok()?;
    versions.lines().find_map(|line| line.strip_prefix("buildid=")).map(str::to_owned)
}
