//! The report as one HTML file that needs no other: text, tables, pictures and style are in it.

use super::data::{Data, Record};
use super::draw;
use super::experiment::{Experiment, Reading, Stand};
use super::show;
use crate::failure::Failure;

pub fn page(data: &Data) -> Result<String, Failure> {
    let mut body = head(data);
    for record in &data.records {
        if let Some(experiment) = record.experiment() {
            body += &section(experiment, record)?;
        }
    }
    let style = draw::page_style() + STYLE;
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>gilrt lab</title>\n<style>{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    ))
}

/// Fonts are the reader's; colours are the pictures'.
const STYLE: &str = "
body{font:16px/1.5 sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1,h2{line-height:1.2}h2{margin-top:3rem;border-top:1px solid var(--faint);padding-top:1.5rem}
blockquote{margin:1rem 0;padding-left:1rem;border-left:4px solid var(--series-0);font-style:italic}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;margin:1rem 0}
th,td{padding:.2rem .7rem;border-bottom:1px solid var(--faint);text-align:right;white-space:nowrap}
th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}
svg{max-width:100%;height:auto;display:block;margin:1.5rem 0}
li{margin:.3rem 0}.stand{font-weight:bold}.warning{border:2px solid var(--series-1);padding:.2rem 1rem;margin:1rem 0}
details{margin:1rem 0}summary{cursor:pointer}a{color:var(--series-0)}
";

fn head(data: &Data) -> String {
    let mut text = format!(
        "<h1>gilrt lab</h1>\n<p>What is said of global interpreter locks and of reference counts, put to the test on libgilrt {} and on the \
         runtimes that were there. {}.</p>\n",
        escape(&data.version),
        escape(&show::rounds_in_words(data.rounds)),
    );
    text += "<table id=\"machine\">\n";
    for (name, value) in data.machine.rows() {
        text += &format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(&value));
    }
    text += "</table>\n";
    for warning in data.warnings() {
        text += &format!("<p class=\"warning\">Warning: {}.</p>\n", escape(&warning));
    }
    text += "<ul>\n";
    for experiment in data.records.iter().filter_map(Record::experiment) {
        text +=
            &format!("<li><a href=\"#{0}\">{0}</a>: {1}</li>\n", experiment.name, escape(experiment.title));
    }
    text + "</ul>\n"
}

fn section(experiment: &Experiment, record: &Record) -> Result<String, Failure> {
    let reading = (experiment.read)(&record.figures);
    let mut text = format!(
        "<section id=\"{0}\">\n<h2>{0}: {1}</h2>\n<blockquote>{2}</blockquote>\n",
        experiment.name,
        escape(experiment.title),
        prose(experiment.claim),
    );
    text += &findings(&reading);
    for plot in &reading.plots {
        text += &draw::inline(plot)?.unwrap_or_default();
    }
    text += &format!("<p>{}</p>\n", prose(&reading.text));
    text += &tables(record);
    text += &format!(
        "<details open=\"open\"><summary>Method</summary><p>{}</p></details>\n",
        prose(experiment.method)
    );
    text += &missing("Skipped", &record.skipped);
    text += &missing("Failed", &record.failed);
    Ok(text + "</section>\n")
}

fn findings(reading: &Reading) -> String {
    let mut items = String::new();
    for finding in &reading.findings {
        let sentence = prose(&finding.sentence);
        items += &match finding.verdict {
            Stand::Adds => format!("<li>{sentence}</li>\n"),
            stand => {
                format!("<li>{sentence} <span class=\"stand\">This {}.</span></li>\n", show::stand(stand))
            }
        };
    }
    for target in &reading.targets {
        items += &format!("<li>To be reached: {}.</li>\n", escape(&target.sentence()));
    }
    if items.is_empty() { items } else { format!("<ul class=\"findings\">\n{items}</ul>\n") }
}

fn tables(record: &Record) -> String {
    let line = |tag: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let table = |it: show::Cells| {
        let rows: String = it.rows.iter().map(|row| line("td", row)).collect();
        let header = line("th", &it.header);
        format!(
            "<div class=\"wide\"><table>\n<thead>{header}</thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
        )
    };
    let tables: String = show::tables(record).into_iter().map(table).collect();
    if tables.is_empty() { "<p>Nothing was measured.</p>\n".to_owned() } else { tables }
}

fn missing(what: &str, all: &[crate::measured::Missing]) -> String {
    let items: String =
        all.iter().map(|it| format!("<li>{}: {}</li>\n", escape(&it.subject), escape(&it.why))).collect();
    if items.is_empty() { items } else { format!("<p>{what}:</p>\n<ul>\n{items}</ul>\n") }
}

/// Prose: what is between backticks is code.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    parts.collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
