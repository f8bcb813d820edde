import type { Monitor } from '../../documents/pipeline.ts';
import { resolvePort } from './check-edges.ts';
import type { CheckedGraph } from './graph-context.ts';

const measurable: Record<Monitor['measure'], readonly string[]> = {
  brightness: ['image'],
  contrast: ['image'],
  sharpness: ['image'],
  confidence: ['text', 'json', 'boxes', 'detections'],
  count: ['boxes', 'json', 'detections'],
};

/** Monitors watch ports that are there, of types that they can measure. */
export function checkMonitors(checked: CheckedGraph, monitors: Readonly<Record<string, Monitor>>): void {
  const { scope, report } = checked;
  for (const [name, monitor] of Object.entries(monitors)) {
    const field = `monitors.${name}.edge`;
    const declared = resolvePort(checked, monitor.edge, 'outputs', field);
    const type = declared === undefined ? undefined : scope.resolve(declared);
    if (type !== undefined && type.kind !== 'variable') {
      const watched = type.kind === 'list' ? type.item : type;
      const allowed = measurable[monitor.measure];
      if (!(monitor.measure === 'count' && type.kind === 'list') && !allowed.includes(watched.kind)) {
        const message = `${monitor.measure} is measured on ${allowed.join(' or ')}, not on ${scope.describe(type)}`;
        const fitting = Object.entries(measurable).filter(([, kinds]) => kinds.includes(watched.kind));
        const measures = fitting.map(([measure]) => measure).join(', ');
        const hint = measures === '' ? `watch a port of ${allowed.join(' or ')}` : `watch another port, or measure one of ${measures}`;
        report({ code: 'type-mismatch', field, message, hint });
      }
    }
    if (monitor.bins.some((edge, index) => index > 0 && edge <= (monitor.bins[index - 1] ?? -Infinity))) {
      report({
        code: 'invalid-params',
        field: `monitors.${name}.bins`,
        message: 'bin edges must ascend',
        hint: 'write them from the smallest to the largest, each once',
      });
    }
    if (monitor.reference !== undefined && monitor.reference.length !== monitor.bins.length + 1) {
      const hint = `${monitor.bins.length} edges make ${monitor.bins.length + 1} bins: one count for each, or leave \`reference\` out`;
      report({ code: 'invalid-params', field: `monitors.${name}.reference`, message: `needs ${monitor.bins.length + 1} counts`, hint });
    }
  }
}
