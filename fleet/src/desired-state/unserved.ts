import type { Release } from '@starling/shared';
import { type DeviceRow, devicesByIds } from '../devices/index.ts';
import { openReleaseChooser, type ReleaseChooser } from './choose-for-device.ts';
import type { ProposalPorts } from './proposals.ts';
import { pagesWithRelease } from './store.ts';

/** A device that lacks an artefact of a model of its release. */
export interface Unserved {
  device: DeviceRow;
  release: { digest: string; document: Release };
  chooser: ReleaseChooser;
}

/**
 * Devices whose release has a model for which nothing could be chosen yet. A device that has an artefact is left alone: what is better
 * for it is proposed, not sprung on it. Devices are read page by page, releases once.
 */
export async function* findUnserved(modelDigest: string, ports: ProposalPorts): AsyncGenerator<Unserved> {
  const releases = new Map<string, Awaited<ReturnType<ProposalPorts['releases']['find']>>>();
  const choosers = new Map<string, ReleaseChooser>();
  for await (const page of pagesWithRelease(ports.db)) {
    const concerned = new Map<string, Unserved['release']>();
    for (const { device, release: digest, artefacts, places } of page) {
      if (digest === null) continue;
      const release = releases.get(digest) ?? (await ports.releases.find(digest));
      releases.set(digest, release);
      const needed = (await ports.releases.plan(digest)).modelsAt(places);
      const lacks = release.document.models.some(
        ({ name, digest: own }) => own === modelDigest && artefacts[name] === undefined && needed.includes(name),
      );
      if (lacks) concerned.set(device, release);
    }
    for (const device of await devicesByIds(ports.db, [...concerned.keys()])) {
      const release = concerned.get(device.id) as Unserved['release'];
      const chooser = choosers.get(release.digest) ?? (await openReleaseChooser(release, ports));
      choosers.set(release.digest, chooser);
      yield { device, release, chooser };
    }
  }
}
