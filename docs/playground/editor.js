// The editor of a spec: CodeMirror, in a root of its own, where it needs no style that the page's
// policy refuses. Its element has a value like that of a text area.

import {
  defaultKeymap,
  history,
  historyKeymap,
  isolateHistory,
} from "./editor/codemirror-commands.js";
import { EditorState, RangeSet, StateEffect, StateField } from "./editor/codemirror-state.js";
import {
  Decoration,
  EditorView,
  GutterMarker,
  WidgetType,
  gutterLineClass,
  keymap,
  lineNumbers,
} from "./editor/codemirror-view.js";

class Said extends WidgetType {
  constructor({ severity, message }) {
    super();
    Object.assign(this, { severity, message });
  }

  eq(other) {
    return other.severity === this.severity && other.message === this.message;
  }

  toDOM() {
    const made = document.createElement("div");
    made.className = `said ${this.severity}`;
    made.textContent = this.message;
    return made;
  }
}

class Numbered extends GutterMarker {
  constructor(severity) {
    super();
    this.elementClass = severity;
  }

  eq(other) {
    return other.elementClass === this.elementClass;
  }
}

const told = StateEffect.define();
const NOTHING = { marks: Decoration.none, numbers: RangeSet.empty };

// Between a key and its answer the marks are the old ones, where their words are now.
const marks = StateField.define({
  create: () => NOTHING,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(told)) return effect.value;
    const { changes } = transaction;
    return { marks: value.marks.map(changes), numbers: value.numbers.map(changes) };
  },
  provide: (field) => [
    EditorView.decorations.from(field, (value) => value.marks),
    gutterLineClass.from(field, (value) => value.numbers),
  ],
});

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", fontSize: "0.875rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { containerType: "inline-size", fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { padding: "0.5rem 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 0.5rem" },
  ".cm-gutters": {
    borderRight: "1px solid var(--line)",
    backgroundColor: "var(--pane)",
    color: "var(--quiet)",
  },
  ".cm-gutterElement.error, .cm-gutterElement.warning": { fontWeight: "bold" },
  ".error": { color: "var(--error)" },
  ".warning": { color: "var(--warning)" },
  ".said": {
    position: "sticky",
    left: 0,
    maxWidth: "calc(100cqi - 3rem)",
    padding: "0 0.5rem 0.25rem",
    fontFamily: "system-ui, sans-serif",
    fontSize: "0.8125rem",
    whiteSpace: "normal",
    userSelect: "none",
  },
  mark: {
    background: "none",
    color: "inherit",
    textDecoration: "underline wavy var(--error)",
    textDecorationSkipInk: "none",
    textUnderlineOffset: "3px",
  },
  "mark.warning": { color: "inherit", textDecorationColor: "var(--warning)" },
  "mark.error": { color: "inherit" },
});

export function edit(element, label, edited) {
  const root = element.attachShadow({ mode: "open" });
  const attributes = { "aria-label": label, spellcheck: "false", autocapitalize: "off" };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      extensions: [
        lineNumbers(),
        history(),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorState.tabSize.of(4),
        EditorView.contentAttributes.of(attributes),
        EditorView.updateListener.of((update) => update.docChanged && edited()),
        marks,
        look,
      ],
    }),
  });
  Object.defineProperty(element, "value", {
    get: () => view.state.doc.toString(),
    set: (text) => view.dispatch(replaced(view, text)),
  });
  element.focus = () => view.focus();
  return {
    show: (problems) => view.dispatch({ effects: told.of(decorated(view.state.doc, problems)) }),
    select(problem) {
      view.focus();
      const [anchor, head] = place(view.state.doc, problem);
      const effects = EditorView.scrollIntoView(anchor, { y: "center" });
      view.dispatch({ selection: { anchor, head }, effects });
    },
  };
}

// Unlike a new state this can be undone by a key.
function replaced({ state }, insert) {
  return {
    changes: { from: 0, to: state.doc.length, insert },
    selection: { anchor: 0 },
    annotations: isolateHistory.of("full"),
    scrollIntoView: true,
  };
}

// Columns count characters, an editor the halves of some.
function place(doc, problem) {
  const { from, text } = doc.line(Math.min(problem.line, doc.lines));
  const characters = [...text];
  const before = characters.slice(0, problem.column - 1).join("");
  const within = characters.slice(problem.column - 1, problem.column - 1 + problem.width).join("");
  return [from + before.length, from + before.length + within.length];
}

function decorated(doc, problems) {
  const ranges = [];
  const numbers = [];
  let end = -1;
  const placed = problems
    .filter((problem) => problem.line && problem.line <= doc.lines)
    .map((problem) => ({ problem, span: place(doc, problem) }))
    .sort((one, other) => one.span[0] - other.span[0]);
  for (const { problem, span } of placed) {
    const [from, to] = span;
    if (from < end || from === to) continue;
    ranges.push(Decoration.mark({ tagName: "mark", class: problem.severity }).range(from, to));
    end = to;
  }
  for (const [line, here] of Map.groupBy(placed, ({ problem }) => problem.line)) {
    const said = here.map(({ problem }) => problem);
    const worst = said.find((problem) => problem.severity === "error") ?? said[0];
    const { from, to } = doc.line(line);
    numbers.push(new Numbered(worst.severity).range(from));
    for (const problem of said) {
      const widget = new Said(problem);
      ranges.push(Decoration.widget({ widget, block: true, side: 1 }).range(to));
    }
  }
  return { marks: Decoration.set(ranges, true), numbers: RangeSet.of(numbers, true) };
}
