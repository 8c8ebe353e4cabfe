//! `tenant_name`: a project's name from a pattern.

use crate::resources::check;
use crate::tf::{Function, Model, Refused, at};

/// The name of a tenant's project, made from a pattern.
///
/// In the pattern, `{workspace}` and `{project}` stand for the two other arguments: the pattern
/// `{workspace}-{project}` with `acme` and `web` gives `acme-web`. Everything else stays as it is.
///
/// It is an error if the pattern has another placeholder, a brace that stands alone, or no `{project}`, if an argument
/// is empty or has a blank at either end, and if the result is longer than the 64 characters that Keystone takes.
#[derive(Debug, Model)]
pub struct TenantName {
    /// Pattern with the placeholders `{workspace}` and `{project}`.
    template: String,
    /// Name of the workspace.
    workspace: String,
    /// Name of the project within the workspace.
    project: String,
}

impl Function for TenantName {
    const NAME: &'static str = "tenant_name";
    type Output = String;

    fn call(self) -> Result<String, Refused> {
        let Self { template, workspace, project } = &self;
        for (at, text) in [
            (at!(Self, template), template),
            (at!(Self, workspace), workspace),
            (at!(Self, project), project),
        ] {
            if text.is_empty() {
                return Err(Refused::at(at, "it is empty"));
            }
            if text.trim() != text {
                return Err(Refused::at(at, format!("\"{text}\" starts or ends with a blank")));
            }
        }
        let wrong = |text: String| Err(Refused::at(at!(Self, template), text));
        let (mut name, mut rest) = (String::new(), template.as_str());
        while let Some(brace) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(brace);
            name.push_str(before);
            let Some(end) = from.find('}').filter(|end| *end > 0) else {
                return wrong(format!("\"{from}\" has a brace that stands alone"));
            };
            let (placeholder, after) = from.split_at(end + 1);
            name.push_str(match placeholder {
                "{workspace}" => workspace,
                "{project}" => project,
                other => {
                    return wrong(format!("{other} is not known; there are {{workspace}} and {{project}}"));
                }
            });
            rest = after;
        }
        name.push_str(rest);
        if !template.contains("{project}") {
            return wrong("it has no {project}, so that all projects would have one name".into());
        }
        let Err(why) = check::name(&name) else { return Ok(name) };
        let text = format!("no project can have the name \"{name}\": {}", why.trim_end_matches('.'));
        // The longest of what is in it is what has to become shorter.
        let own = template.replace("{workspace}", "").replace("{project}", "").chars().count();
        let used = |placeholder, value: &str| template.contains(placeholder).then_some(value.chars().count());
        let lengths = [
            (Some(own), at!(Self, template)),
            (used("{workspace}", workspace), at!(Self, workspace)),
            (used("{project}", project), at!(Self, project)),
        ];
        let longest = lengths.into_iter().max_by_key(|(length, _)| *length);
        Err(Refused::at(longest.map_or(at!(Self, template), |(_, at)| at), text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(template: &str, workspace: &str, project: &str) -> Result<String, (String, usize)> {
        let call =
            TenantName { template: template.into(), workspace: workspace.into(), project: project.into() };
        call.call().map_err(|it| (it.text, it.argument.expect("an argument")))
    }

    #[test]
    fn fills_in_each_placeholder() {
        for (template, name) in [
            ("{workspace}-{project}", "acme-web"),
            ("{project}", "web"),
            ("os.{project}.{workspace}.{project}", "os.web.acme.web"),
        ] {
            assert_eq!(call(template, "acme", "web").as_deref(), Ok(name));
        }
        assert_eq!(call("{project}", "acme", "{workspace}").as_deref(), Ok("{workspace}"), "only once");
    }

    #[test]
    fn says_which_argument_is_wrong() {
        let long = "p".repeat(60);
        for (template, workspace, project, argument, words) in [
            ("{tenant}-{project}", "acme", "web", 0, "{tenant} is not known"),
            ("{}{project}", "acme", "web", 0, "{} is not known"),
            ("{workspace}-{project", "acme", "web", 0, "\"{project\" has a brace"),
            ("{workspace}}-{project}", "acme", "web", 0, "has a brace"),
            ("{workspace}", "acme", "web", 0, "no {project}"),
            ("{workspace}-{project}", "", "web", 1, "empty"),
            ("{workspace}-{project}", "acme", "", 2, "empty"),
            ("{workspace}-{project}", "acme", &long, 2, "Expected 1 to 64 characters; got 65"),
            ("{workspace}-{project}", &long, "abcd", 1, "got 65"),
            (
                "{project}-a-very-long-template-that-leaves-no-room-for-any-project-at-all",
                "acme",
                "web",
                0,
                "got 67",
            ),
            ("{project} ", "acme", "web", 0, "ends with a blank"),
            ("{project}", "acme", " web", 2, "starts or ends"),
        ] {
            let (text, at) = call(template, workspace, project).expect_err(template);
            assert!(text.contains(words) && at == argument, "{template}: {at}: {text}");
        }
    }
}
