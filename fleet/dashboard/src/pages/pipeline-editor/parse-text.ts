import { messageOf } from '@starling/shared';
import { type Document, isMap, type LineCounter, parseDocument } from 'yaml';

export interface ParsedText {
  document: Document;
  /** What it says; undefined where that is no object. */
  value: unknown;
  /** Where it is no YAML, or says what cannot be read. */
  errors: { message: string; from: number; to: number }[];
}

/** Reads a text as YAML, whatever stands there. */
export function parseText(text: string, lineCounter?: LineCounter): ParsedText {
  const document: Document = parseDocument(text, { logLevel: 'error', ...(lineCounter !== undefined && { lineCounter }) });
  const errors = document.errors.map(({ message, pos: [from, to] }) => {
    const [summary = message] = message.split(/ at line |:\n/);
    return { message: summary, from: Math.min(from, Math.max(0, text.length - 1)), to: Math.min(Math.max(to, from + 1), text.length) };
  });
  if (errors.length > 0 || !isMap(document.contents)) return { document, value: undefined, errors };
  try {
    return { document, value: document.toJS() as unknown, errors };
  } catch (error) {
    // An alias without its anchor, or so many of them that they would never end.
    return { document, value: undefined, errors: [{ message: messageOf(error), from: 0, to: Math.min(1, text.length) }] };
  }
}
