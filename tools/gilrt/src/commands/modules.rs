//! `gilrt modules`: what can be run by name.

use clap::Args;
use serde::Serialize;

use crate::failure::Failure;
use crate::library::Library;
use crate::output;
use crate::report::table;
use crate::search;

#[derive(Args)]
pub struct Options {
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    modules: Vec<Entry>,
    errors: Vec<LoadError>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    path: String,
    free_threaded: bool,
    functions: Vec<FunctionEntry>,
}

#[derive(Serialize)]
struct FunctionEntry {
    name: String,
    help: String,
}

#[derive(Serialize)]
struct LoadError {
    path: String,
    error: String,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let listing = list(&Library::open()?)?;
    if options.json {
        output::print_json(&listing)?;
    } else {
        output::print(&as_table(&listing))?;
    }
    match listing.errors.as_slice() {
        [] => Ok(()),
        errors => {
            let each: Vec<_> = errors.iter().map(|error| error.error.as_str()).collect();
            Err(Failure::Failed(format!("{} cannot be loaded: {}", modules(errors.len()), each.join("; "))))
        }
    }
}

fn list(library: &Library) -> Result<Listing, Failure> {
    let mut listing = Listing { modules: Vec::new(), errors: Vec::new() };
    for (name, path) in search::all()? {
        let shown = path.display().to_string();
        match library.open_module(&path) {
            Ok(module) => listing.modules.push(Entry {
                // The name to run it by is the file's, whatever the module calls itself.
                name: name.to_string_lossy().into_owned(),
                path: shown,
                free_threaded: module.is_free_threaded(),
                functions: module
                    .functions()
                    .into_iter()
                    .map(|function| FunctionEntry { name: function.name, help: function.help })
                    .collect(),
            }),
            Err(Failure::Failed(error) | Failure::Usage(error)) => {
                listing.errors.push(LoadError { path: shown, error });
            }
            Err(end @ (Failure::ReaderGone | Failure::Interrupted)) => return Err(end),
        }
    }
    Ok(listing)
}

fn as_table(listing: &Listing) -> String {
    if listing.modules.is_empty() {
        return "no modules found; set GILRT_MODULES to the folder of their .so files\n".to_owned();
    }
    let mut rows = Vec::new();
    for module in &listing.modules {
        // The name once, on the first of its functions.
        let names = std::iter::once(module.name.as_str()).chain(std::iter::repeat(""));
        for (name, function) in names.zip(&module.functions) {
            rows.push(vec![name.to_owned(), function.name.clone(), function.help.clone()]);
        }
    }
    table(&["module", "function", "arguments: what it does"], &rows, usize::MAX)
}

fn modules(count: usize) -> String {
    if count == 1 { "1 module".to_owned() } else { format!("{count} modules") }
}
