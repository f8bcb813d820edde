import { INPUT_NODE, type PipelineNode } from '@starling/shared';

export type NodeKind = 'input' | 'output' | 'operator' | 'model' | 'script' | 'pipeline' | 'source' | 'sink';

export const kindWords: Readonly<Record<NodeKind, string>> = {
  input: 'Input',
  output: 'Output',
  operator: 'Operator',
  model: 'Model',
  script: 'Script',
  pipeline: 'Pipeline',
  source: 'Source',
  sink: 'Sink',
};

/** What a node is, in one word and by its name. */
export function wordsOfNode(id: string, node: PipelineNode | undefined): { kind: NodeKind; what: string } {
  if (node === undefined) return id === INPUT_NODE ? { kind: 'input', what: 'what comes in' } : { kind: 'output', what: 'what goes out' };
  if ('model' in node) return { kind: 'model', what: node.model };
  if ('op' in node) return { kind: 'operator', what: node.op };
  if ('script' in node) return { kind: 'script', what: node.script.stateful ? 'own code with a state' : 'own code' };
  if ('pipeline' in node) return { kind: 'pipeline', what: node.pipeline };
  return 'source' in node ? { kind: 'source', what: node.source } : { kind: 'sink', what: node.sink };
}

interface Badge {
  text: string;
  words: string;
}

/** What is particular about how a node runs: short for the drawing, and in words. */
export function badgesOf(node: PipelineNode, monitors: readonly string[]): Badge[] {
  return [...badgesOfInputs(node), ...badgesOfRuns(node), ...badgesOfPlace(node, monitors)];
}

function badgesOfInputs(node: PipelineNode): Badge[] {
  const badges: Badge[] = [];
  if ('each' in node && node.each) badges.push({ text: 'each', words: 'runs once for each item of a list' });
  if ('join' in node && node.join === 'any') badges.push({ text: 'any', words: 'runs with the first input' });
  if ('join' in node && node.join === 'outer') {
    const window = node.joinWindowMs;
    badges.push({
      text: window === undefined ? 'outer' : `outer ${window} ms`,
      words: window === undefined ? 'runs with what has come' : `runs with what has come after ${window} ms`,
    });
  }
  if ('triggers' in node && node.triggers !== undefined) badges.push({ text: 'triggered', words: `waits for ${node.triggers.join(', ')}` });
  return badges;
}

function badgesOfRuns(node: PipelineNode): Badge[] {
  const badges: Badge[] = [];
  if ('state' in node && node.state !== undefined) badges.push({ text: 'state', words: 'keeps outputs for the next item of the stream' });
  if (!('onError' in node)) return badges;
  const { concurrency, timeoutMs, retry, onError } = node;
  if (concurrency !== undefined) badges.push({ text: `×${concurrency}`, words: `works on ${concurrency} items at once` });
  if (timeoutMs !== undefined) badges.push({ text: `≤ ${timeoutMs} ms`, words: `a run may take ${timeoutMs} ms` });
  if (retry !== undefined) badges.push({ text: `retry ${retry.attempts}`, words: `is tried ${retry.attempts} times` });
  if (onError === 'skip') badges.push({ text: 'skips', words: 'a failure leaves its outputs out, and the item goes on' });
  return badges;
}

function badgesOfPlace({ on }: PipelineNode, monitors: readonly string[]): Badge[] {
  const badges: Badge[] = [];
  if (on !== 'device') badges.push({ text: on, words: on === 'cloud' ? 'runs in the cloud' : `runs on the ${on.replace(':', ' ')}` });
  if (monitors.length > 0) {
    badges.push({ text: monitors.length === 1 ? 'monitor' : `${monitors.length} monitors`, words: `watched by ${monitors.join(', ')}` });
  }
  return badges;
}
