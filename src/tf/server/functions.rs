//! The calls about functions.

use tonic::Status;

use super::{Server, wire};
use crate::tf::function::plain;
use crate::tf::proto::tfplugin6::{self as pb, *};
use crate::tf::{DynFunction, Presence, Provider, Refused, Value};

impl<P: Provider> Server<P> {
    pub(super) fn call_function(
        &self,
        it: &call_function::Request,
    ) -> Result<call_function::Response, Status> {
        let called = match self.functions.get(it.name.as_str()) {
            Some(function) => call(&**function, &it.arguments)?,
            None => Err(Refused {
                text: format!("this provider has no function \"{}\"", it.name),
                argument: None,
            }),
        };
        Ok(match called {
            Ok(result) => call_function::Response { result: Some(result), error: None },
            Err(Refused { text, argument }) => {
                let function_argument = argument.and_then(|it| i64::try_from(it).ok());
                let error = FunctionError { text, function_argument };
                call_function::Response { result: None, error: Some(error) }
            }
        })
    }
}

fn call(
    function: &dyn DynFunction,
    arguments: &[DynamicValue],
) -> Result<Result<DynamicValue, Refused>, Status> {
    let parameters = &function.schema().fields;
    if parameters.len() != arguments.len() {
        let text = format!("it takes {} arguments, and got {}", parameters.len(), arguments.len());
        return Ok(Err(Refused { text, argument: None }));
    }
    let arguments = parameters.iter().zip(arguments);
    let arguments = arguments.map(|(parameter, value)| wire::read_type(value, plain(&parameter.kind)));
    let arguments = Value::Object(arguments.collect::<Result<_, _>>()?);
    // Hosts do not call with what they do not know. If one did: its result is not known either.
    let result = if arguments.is_wholly_known() { function.call(arguments) } else { Ok(Value::Unknown) };
    Ok(result.map(|it| wire::write_type(&it, &function.returns())))
}

/// A function as hosts and their users see it.
pub(super) fn described(function: &dyn DynFunction) -> pb::Function {
    let schema = function.schema();
    let parameters = schema.fields.iter().map(|it| pb::function::Parameter {
        name: it.name.to_owned(),
        r#type: wire::of_type(plain(&it.kind)),
        allow_null_value: it.presence != Presence::Required,
        allow_unknown_values: false,
        description: it.description.to_owned(),
        description_kind: StringKind::Markdown.into(),
    });
    pb::Function {
        parameters: parameters.collect(),
        r#return: Some(pb::function::Return { r#type: wire::of_type(&function.returns()) }),
        summary: schema.summary(),
        description: schema.description.to_owned(),
        description_kind: StringKind::Markdown.into(),
        ..Default::default()
    }
}
