import type { FleetEvent } from '@starling/shared';
import type { EventBus } from './ports.ts';

export function createEventBus(): EventBus {
  const listeners = new Set<(event: FleetEvent) => void>();
  return {
    publish(event) {
      for (const listener of listeners) listener(event);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
