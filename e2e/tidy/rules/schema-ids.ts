import ts from 'typescript';
import type { Finding, Rule } from '../rule.ts';
import { isTestCode, isTypeScript, lineOf, type SourceFile, walk } from '../source-file.ts';

interface SchemaId {
  id: string;
  path: string;
  line: number;
}

/** zod accepts two schemas with one registry id, and one of them silently replaces the other in the generated documents. */
export const schemaIds: Rule = {
  name: 'schema-ids',
  find: (files) => {
    const known = new Map<string, SchemaId>();
    return files
      .filter((file) => isTypeScript(file) && !isTestCode(file))
      .flatMap(idsIn)
      .flatMap((found): Finding[] => {
        const first = known.get(found.id);
        if (first === undefined) known.set(found.id, found);
        return first === undefined
          ? []
          : [{ path: found.path, line: found.line, message: `schema id "${found.id}" is taken by ${first.path}:${first.line}` }];
      });
  },
};

/** Ids given by `.meta({ id: 'X' })`, `.register(registry, { id: 'X' })` and `.openapi('X')`. */
function idsIn(file: SourceFile): SchemaId[] {
  const ids: SchemaId[] = [];
  walk(file, (node) => {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const method = node.expression.name.text;
    const argument = node.arguments[method === 'register' ? 1 : 0];
    const id = method === 'openapi' ? textOf(argument) : method === 'meta' || method === 'register' ? idOf(argument) : undefined;
    if (id !== undefined) ids.push({ id, path: file.path, line: lineOf(file, node.expression.name) });
  });
  return ids;
}

function idOf(argument: ts.Expression | undefined): string | undefined {
  if (argument === undefined || !ts.isObjectLiteralExpression(argument)) return undefined;
  const property = argument.properties.find((candidate) => candidate.name?.getText() === 'id');
  return property !== undefined && ts.isPropertyAssignment(property) ? textOf(property.initializer) : undefined;
}

function textOf(node: ts.Expression | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}
