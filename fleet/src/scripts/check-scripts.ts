import type { GraphProblem, Pipeline, PipelineGraph } from '@starling/shared';
import { type Program, parse } from 'acorn';

/**
 * The scripts of a pipeline, read but not run: a mistake in the language shows when the pipeline is pushed, not on a device. What only
 * shows when a script is loaded, the device says.
 */
export function checkScripts(pipeline: Pipeline): GraphProblem[] {
  const inner = Object.entries(pipeline.pipelines).flatMap(([name, graph]) => problemsIn(graph, `pipelines.${name}.`));
  return [...problemsIn(pipeline, ''), ...inner];
}

function problemsIn({ nodes }: Pick<PipelineGraph, 'nodes'>, prefix: string): GraphProblem[] {
  return Object.entries(nodes).flatMap(([name, node]) => {
    if (!('script' in node)) return [];
    const problem = problemOf(node.script.source);
    return problem === undefined ? [] : [{ code: 'invalid-script' as const, field: `${prefix}nodes.${name}.script.source`, ...problem }];
  });
}

/** What acorn puts on its errors. */
interface AcornPlace {
  loc?: { line: number; column: number };
  pos?: number;
}

function problemOf(source: string): Pick<GraphProblem, 'message' | 'hint' | 'range'> | undefined {
  let program: Program;
  try {
    program = parse(source, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { loc: { line, column } = { line: 1, column: 0 }, pos = 0 } = error as SyntaxError & AcornPlace;
    const said = error.message.replace(/ \(\d+:\d+\)$/, '');
    const message = `the script cannot be read: ${said} (line ${line}, column ${column + 1})`;
    return { message, hint: 'correct the script there: look for a bracket, a quote or a comma', range: { start: pos, end: pos + 1 } };
  }
  const asks = program.body.find((part) => part.type === 'ImportDeclaration' || ('source' in part && part.source));
  if (asks !== undefined) {
    const message = `a script cannot import (line ${asks.loc?.start.line ?? 1})`;
    return { message, hint: 'put what it needs into the script itself', range: { start: asks.start, end: asks.end } };
  }
  if (program.body.some(isDefaultExport)) return undefined;
  return { message: 'the script has no default export', hint: 'begin with "export default (inputs, { params, state, item }) => ..."' };
}

function isDefaultExport(part: Program['body'][number]): boolean {
  if (part.type === 'ExportDefaultDeclaration') return true;
  if (part.type !== 'ExportNamedDeclaration') return false;
  return part.specifiers.some(({ exported }) => (exported.type === 'Identifier' ? exported.name : exported.value) === 'default');
}
