import { useNowMs } from '../../parts/moment.tsx';
import { Tag } from '../../parts/tag.tsx';

export interface KeyLife {
  expiresAtMs: number | null;
  revokedAtMs: number | null;
}

/** Does it still open anything? */
export function useIsLive({ expiresAtMs, revokedAtMs }: KeyLife): boolean {
  const now = useNowMs();
  return revokedAtMs === null && (expiresAtMs === null || expiresAtMs > now);
}

export function KeyState({ life }: { life: KeyLife }) {
  const isLive = useIsLive(life);
  return <Tag tone={isLive ? 'good' : 'idle'}>{isLive ? 'live' : life.revokedAtMs === null ? 'expired' : 'revoked'}</Tag>;
}
