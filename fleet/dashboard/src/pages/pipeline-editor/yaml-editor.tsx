import { defaultKeymap, history, historyKeymap, isolateHistory, redo, redoDepth, undo, undoDepth } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import { replacementOf } from './edit-document.ts';
import type { DraftProblem } from './read-draft.ts';
import classes from './yaml-editor.module.css';

/** What the rest of the page does with the text; the text itself lives here, with its history. */
export interface YamlHandle {
  /** Replaces the text by what a change in the drawing made of it, as one step of the history. */
  replace: (text: string) => void;
  undo: () => void;
  redo: () => void;
  /** Shows a place and puts the cursor there. */
  show: (from: number, to: number) => void;
}

interface YamlEditorProps {
  initial: string;
  problems: readonly DraftProblem[];
  onText: (text: string, history: { canUndo: boolean; canRedo: boolean }) => void;
  handle: Ref<YamlHandle>;
}

/** The text of a pipeline, with what is wrong underlined where it stands. */
export function YamlEditor({ initial, problems, onText, handle }: YamlEditorProps) {
  const room = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(onText);
  latest.current = onText;
  const first = useRef(initial);
  useEffect(() => {
    if (room.current === null) return;
    const tell = EditorView.updateListener.of(({ docChanged, state }) => {
      if (docChanged) latest.current(state.doc.toString(), { canUndo: undoDepth(state) > 0, canRedo: redoDepth(state) > 0 });
    });
    const editor = new EditorView({
      parent: room.current,
      state: EditorState.create({ doc: first.current, extensions: [extensions, tell] }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined) return;
    const length = editor.state.doc.length;
    const found = problems.filter(({ from }) => from <= length).map((problem) => toDiagnostic(problem, length));
    editor.dispatch(setDiagnostics(editor.state, found));
  }, [problems]);
  useImperativeHandle(handle, () => ({
    replace: (text) => {
      const editor = view.current;
      const change = editor === undefined ? undefined : replacementOf(editor.state.doc.toString(), text);
      if (change !== undefined) editor?.dispatch({ changes: change, annotations: isolateHistory.of('full'), userEvent: 'input.drawing' });
    },
    undo: () => view.current !== undefined && undo(view.current),
    redo: () => view.current !== undefined && redo(view.current),
    show: (from, to) => {
      const editor = view.current;
      if (editor === undefined) return;
      const length = editor.state.doc.length;
      editor.dispatch({ selection: { anchor: Math.min(from, length), head: Math.min(to, length) }, scrollIntoView: true });
      editor.focus();
    },
  }));
  return <div className={classes.editor} ref={room} />;
}

function toDiagnostic({ from, to, message, hint }: DraftProblem, length: number): Diagnostic {
  const text = hint === undefined ? message : `${message}\n${hint}`;
  return { from: Math.min(from, length), to: Math.min(to, length), severity: 'error', message: text };
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--mantine-color-anchor)' },
  { tag: [tags.string, tags.content], color: 'var(--mantine-color-text)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--mantine-color-dimmed)', fontStyle: 'italic' },
  { tag: [tags.keyword, tags.typeName, tags.labelName], color: 'var(--measure-2)' },
]);

const extensions: Extension = [
  lineNumbers(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  highlightActiveLine(),
  EditorView.lineWrapping,
  lintGutter(),
  yaml(),
  syntaxHighlighting(colours),
  // Tab leaves the text, as everywhere on the page: nobody is caught in it.
  keymap.of([...defaultKeymap, ...historyKeymap]),
  EditorState.tabSize.of(2),
  EditorView.contentAttributes.of({ 'aria-label': 'Pipeline as YAML', tabindex: '0', spellcheck: 'false', autocapitalize: 'off' }),
];
