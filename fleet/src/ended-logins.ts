import { isStarlingError, messageOf } from '@starling/shared';
import type { Log } from './ports.ts';

/** Who is let in, as the broker says. */
export interface KeptLogins {
  devices: readonly string[];
  operators: readonly string[];
}

/** A broker that goes on letting in whom it was told of once. */
export interface LoginKeeper {
  logins(): Promise<KeptLogins>;
  /** @throws StarlingError `broker-refused` for this one alone; anything else means that the broker cannot be asked now */
  expelDevice(device: string): Promise<void>;
  expelOperator(account: string): Promise<void>;
}

/** Whom the fleet itself lets in. */
export interface LoginJudge {
  /** @returns those of the devices that it knows, and lets in no more */
  shutOutDevices(ids: readonly string[]): Promise<string[]>;
  shutOutOperators(names: readonly string[]): Promise<string[]>;
}

/** After a restore nobody has a good password: they come back by and by, not all at once. */
const LOGINS_PER_PASS = 500;

/**
 * Takes away at a broker what is good no more at the fleet. By what is so at the time of each pass, and not by what has happened: whatever
 * was missed (a revocation while the broker was away, a process that ended between the two) is mended by the next one. Logins that the
 * fleet does not know are not its own.
 * @throws whatever keeps the broker from being asked
 */
export async function takeEndedLoginsAway(keeper: LoginKeeper, judge: LoginJudge, log: Log): Promise<void> {
  const kept = await keeper.logins();
  await expelEach(kept.devices, judge.shutOutDevices, keeper.expelDevice, log);
  await expelEach(kept.operators, judge.shutOutOperators, keeper.expelOperator, log);
}

async function expelEach(
  owners: readonly string[],
  shutOut: (owners: readonly string[]) => Promise<string[]>,
  expel: (owner: string) => Promise<void>,
  log: Log,
): Promise<void> {
  for (const owner of (await shutOut(owners)).slice(0, LOGINS_PER_PASS)) {
    // Since the first look it may have logged in anew.
    if ((await shutOut([owner])).length === 0) continue;
    try {
      await expel(owner);
    } catch (error) {
      if (!isStarlingError(error) || error.code !== 'broker-refused') throw error;
      log.warn({ owner, error: messageOf(error) }, 'the login of one that may not come in any more is still there');
    }
  }
}
