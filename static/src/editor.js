// Turns textarea[data-editor] into editors with line numbers and shell highlighting. The textarea stays in the form and is what is sent.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

// Our colours are custom properties, which reach into a shadow root and follow the theme by themselves.
const theme = EditorView.theme({
  "&": { backgroundColor: "var(--log-bg)", color: "var(--color-base-content)", fontSize: "12.5px", maxHeight: "32rem" },
  "&.cm-focused": { outline: "2px solid var(--color-primary)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.55", minHeight: "9rem" },
  ".cm-content": { caretColor: "var(--color-base-content)" },
  ".cm-cursor": { borderLeftColor: "var(--color-base-content)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--color-primary) 7%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--color-primary) 28%, transparent)",
  },
});

const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.keyword, tags.standard(tags.name)], color: "var(--color-primary)" },
    { tag: [tags.string, tags.special(tags.string)], color: "var(--color-success)" },
    { tag: [tags.comment, tags.meta], color: "var(--muted)" },
    { tag: [tags.number, tags.attributeName, tags.definition(tags.name)], color: "var(--color-warning)" },
  ]),
);

// A style element would need 'unsafe-inline'; inside a shadow root CodeMirror adopts its style sheets instead.
function edit(area) {
  const host = document.createElement("div");
  host.className = "editor";
  const root = host.attachShadow({ mode: "open" });
  const label = area.labels[0]?.textContent ?? "Text";
  // An editable element has the focus anyway; this says so to whoever looks for a way to scroll by keyboard.
  const attributes = { "aria-label": label, tabindex: "0" };
  if (area.getAttribute("aria-invalid")) attributes["aria-invalid"] = "true";
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        bracketMatching(),
        indentUnit.of("    "),
        area.dataset.editor === "shell" ? StreamLanguage.define(shell) : [],
        colours,
        theme,
        EditorView.contentAttributes.of(attributes),
        // Tab is not bound: it leaves the editor, as it leaves any field.
        keymap.of([...defaultKeymap, ...historyKeymap]),
      ],
    }),
  });
  area.before(host);
  area.hidden = true;
  const focuses = area.matches("[aria-invalid]") && !document.querySelector("[data-focus]");
  if (focuses) view.focus();
  return () => {
    area.value = view.state.doc.toString();
  };
}

function start() {
  const areas = [...document.querySelectorAll("textarea[data-editor]")];
  const keepers = areas.map(edit);
  const keep = () => keepers.forEach((store) => store());
  // Before the browser reads the form, and before it keeps the page for its back button.
  for (const form of new Set(areas.map((area) => area.form))) form?.addEventListener("submit", keep);
  addEventListener("pagehide", keep);
}

start();
