//! Holds the tables of `docharbor-wire` to the official service model, both ways.

mod compare;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Prints the model that botocore carries. The path is botocore's own business, so it is asked.
const DUMP: &str = "
import botocore.loaders, json, sys
loader = botocore.loaders.create_loader()
model = loader.load_service_model('workdocs', 'service-2', api_version='2016-05-01')
json.dump(model, sys.stdout)
";

/// Compares the tables with the model of the botocore that `python` finds.
///
/// # Errors
///
/// Every difference on a line of its own, or why the model could not be read.
pub(crate) fn run(python: &Path) -> Result<(), String> {
    let findings = compare::findings(&load(python)?);
    if findings.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n{} differences from the model", findings.join("\n"), findings.len()))
}

fn load(python: &Path) -> Result<Value, String> {
    let output = Command::new(python)
        .args(["-c", DUMP])
        .output()
        .map_err(|error| format!("cannot start {}: {error}", python.display()))?;
    if !output.status.success() {
        return Err(format!(
            "{} could not print botocore's model of WorkDocs; is botocore installed there?\n{}",
            python.display(),
            String::from_utf8_lossy(&output.stderr).trim_end()
        ));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("botocore's model of WorkDocs is not JSON: {error}"))
}
