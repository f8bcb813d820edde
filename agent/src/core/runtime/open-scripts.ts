import { type ExpandedGraph, type ScriptNode, StarlingError } from '@starling/shared';
import type { Sandbox, Script } from '../ports/sandbox.ts';

/** The scripts of a graph, each in a thread of its own. */
export interface OpenScripts {
  script(name: string, node: ScriptNode): Script;
  close(): Promise<void>;
}

/**
 * Opens every script of a graph and of the graphs inside it, so that a mistake shows before anything runs.
 * @throws StarlingError `invalid-script` with the field of the source and the line in it; nothing stays open then
 */
export async function openScripts(expanded: ExpandedGraph, sandbox: Sandbox): Promise<OpenScripts> {
  const scripts = new Map<ScriptNode, Script>();
  const close = async (): Promise<void> => {
    await Promise.allSettled([...scripts.values()].map((script) => script.close()));
  };
  try {
    for (const [name, node] of scriptNodes(expanded)) scripts.set(node, await openScript(name, node, sandbox));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    script(name, node) {
      const script = scripts.get(node);
      if (script !== undefined) return script;
      throw new StarlingError('not-loaded', `the script of ${name} is not open`, { field: `nodes.${name}.script` });
    },
    close,
  };
}

function scriptNodes({ nodes, inner }: ExpandedGraph): [string, ScriptNode][] {
  const own = Object.entries(nodes).filter((entry): entry is [string, ScriptNode] => 'script' in entry[1]);
  const inside = Object.entries(inner).flatMap(([outer, graph]) =>
    scriptNodes(graph).map(([name, node]): [string, ScriptNode] => [`${outer}/${name}`, node]),
  );
  return [...own, ...inside];
}

async function openScript(name: string, { script, params }: ScriptNode, sandbox: Sandbox): Promise<Script> {
  const { source, cpuMs, memoryMegabytes } = script;
  try {
    return await sandbox.open({ source, cpuMs, memoryMegabytes, params: JSON.stringify(params) });
  } catch (error) {
    if (!(error instanceof StarlingError)) throw error;
    const { code, hint, retryable } = error;
    throw new StarlingError(code, `${name}: ${error.message}`, { field: `nodes.${name}.script.source`, hint, retryable, cause: error });
  }
}
