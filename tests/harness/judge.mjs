// GitHub's own workflow parser and expression evaluator: a JSON request a line, an answer a line.
import {register} from "node:module";
import readline from "node:readline";

// The parser imports its schema as bundlers allow, without saying that it is JSON.
const hook = `export function load(url, context, next) {
  const json = url.endsWith(".json") ? {importAttributes: {type: "json"}} : {};
  return next(url, {...context, ...json});
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const {Evaluator, Lexer, Parser, data} = await import("@actions/expressions");
const {truthy} = await import("@actions/expressions/result");
const {NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow} = await import(
  "@actions/workflow-parser"
);
const {convertActionTemplate, parseAction} = await import(
  "@actions/workflow-parser/actions/index"
);

// A property that nobody gave is a mistake of ours, not an empty text as on GitHub.
class Known extends data.Dictionary {
  get(key) {
    const value = super.get(key);
    if (value === undefined) throw new Error(`nothing is known of ${key}`);
    return value;
  }
}

const open = new Set(["secrets", "vars", "env", "steps"]);

function contextData(value, Kind) {
  if (value === null) return new data.Null();
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  const pairs = Object.entries(value).map(([key, one]) => ({
    key,
    value: contextData(one, open.has(key) ? data.Dictionary : Kind),
  }));
  return new Kind(...pairs);
}

async function workflow({text, called}) {
  const parsed = parseWorkflow({name: "workflow.yml", content: text}, new NoOperationTraceWriter());
  const errors = () => parsed.context.errors.getErrors().map((one) => one.message);
  if (errors().length || !parsed.value) return {errors: errors(), conditions: {}};
  // What a workflow hands over is compared with what the one that it calls asks for.
  const provider = {
    getFileContent: ({path}) => {
      if (!(path in called)) throw new Error(`there is no ${path}`);
      return Promise.resolve({name: path, content: called[path]});
    },
  };
  const template = await convertWorkflowTemplate(parsed.context, parsed.value, provider, {
    fetchReusableWorkflowDepth: called ? 1 : 0,
  });
  const conditions = template.jobs.map((job) => [String(job.id), job.if.expression]);
  return {errors: errors(), conditions: Object.fromEntries(conditions)};
}

function expression({text, context, statuses}) {
  const functions = Object.keys(statuses).map((name) => ({name, minArgs: 0, maxArgs: 0}));
  const calls = functions.map((one) => [
    one.name,
    {...one, call: () => new data.BooleanData(statuses[one.name])},
  ]);
  const tree = new Parser(new Lexer(text).lex().tokens, Object.keys(context), functions).parse();
  const known = contextData(context, Known);
  const result = new Evaluator(tree, known, new Map(calls)).evaluate();
  return {text: result.coerceString(), truth: truthy(result)};
}

function action({text}) {
  const parsed = parseAction({name: "action.yml", content: text}, new NoOperationTraceWriter());
  const errors = () => parsed.context.errors.getErrors().map((one) => one.message);
  if (!errors().length) convertActionTemplate(parsed.context, parsed.value);
  return {errors: errors()};
}

const requests = {workflow, action, expression};
for await (const line of readline.createInterface({input: process.stdin})) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await requests[request.kind](request);
  } catch (error) {
    answer = {errors: [error.message]};
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
