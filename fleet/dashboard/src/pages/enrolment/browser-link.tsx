import { Alert, Button, Group, Select, Stack, Text, Title } from '@mantine/core';
import { runPageLink, type Settings } from '@starling/shared';
import { IconExternalLink } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QrCode } from '../../parts/qr-code.tsx';
import classes from './browser-link.module.css';
import { phoneAddresses } from './phone-addresses.ts';
import { TrustSteps } from './trust-steps.tsx';

interface BrowserLinkProps {
  token: { id: string; name: string; expiresAtMs: number };
  text: string;
  settings: Settings;
  onClose: () => void;
}

/** The code to scan, the link behind it, and what a phone has to trust before it opens. */
export function BrowserLink({ token, text, settings, onClose }: BrowserLinkProps) {
  const place = useInView();
  const addresses = phoneAddresses(settings.reachableUrls, window.location.origin);
  const [chosen, setChosen] = useState<string>();
  const address = chosen ?? addresses[0];
  return (
    <Alert
      ref={place}
      className={classes.shown}
      variant="outline"
      color="petrol"
      title="Shown only this once"
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
    >
      <Stack gap="md">
        {address === undefined ? (
          <OnlyHere />
        ) : (
          <>
            <div className={classes.scan}>
              <QrCode value={runPageLink(address, text)} label={`Code that makes a phone a device of the fleet at ${address}`} />
              <Stack gap="sm" style={{ minWidth: 0 }}>
                <Title order={3} size="h5">
                  Scan it with the camera of the phone
                </Title>
                <Text size="sm">
                  The page asks for the camera, gets the models that suit the phone, and goes on without the network once it has them.
                  Images stay on the phone unless the release lets them out.
                </Text>
                {addresses.length > 1 && <AddressField {...{ addresses, address }} onChoose={setChosen} />}
                <OtherAddress address={address} />
                <CommandBox label="Or open this link:" command={runPageLink(address, text)} />
              </Stack>
            </div>
            <TrustSteps address={address} settings={settings} />
          </>
        )}
        <Text size="sm">
          The fleet keeps only a digest of it. The token “{token.name}” is valid until <ExactMoment atMs={token.expiresAtMs} />, also when
          you leave this page. Whoever has the code can add a device with it.
        </Text>
        <Group>
          <Button
            component="a"
            href={runPageLink(window.location.origin, text)}
            target="_blank"
            rel="noreferrer"
            variant="default"
            leftSection={<IconExternalLink size={16} aria-hidden />}
          >
            Make this browser the device
          </Button>
          <Button variant="default" onClick={onClose}>
            Make another code
          </Button>
          <RevokeButton token={token} onDone={onClose} />
        </Group>
      </Stack>
    </Alert>
  );
}

/** For a code that nobody is going to scan: left alone it could be used until it expires. */
function RevokeButton({ token: { id }, onDone }: { token: { id: string }; onDone: () => void }) {
  const revoke = useChange('revokeClaimToken', { makesOld: ['listClaimTokens', 'listAudit'], onDone });
  return (
    <>
      <Button variant="default" color="red" loading={revoke.isPending} onClick={() => revoke.mutate({ params: { id } })}>
        Revoke this code
      </Button>
      {revoke.error !== null && <ProblemAlert error={revoke.error} />}
    </>
  );
}

/** Whoever pressed a button far below the place of an answer is taken to that answer. */
function useInView() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const top = place.current?.getBoundingClientRect().top ?? 0;
    if (top < 0 || top > window.innerHeight / 2) place.current?.scrollIntoView({ block: 'start' });
  }, []);
  return place;
}

interface AddressFieldProps {
  addresses: string[];
  address: string;
  onChoose: (address: string | undefined) => void;
}

function AddressField({ addresses, address, onChoose }: AddressFieldProps) {
  return (
    <Select
      label="Address of the fleet"
      description="One that the phone reaches: in the same network, or public"
      data={addresses}
      value={address}
      onChange={(value) => onChoose(value ?? undefined)}
      allowDeselect={false}
      maw="24rem"
    />
  );
}

/** Why the code leads elsewhere than the address bar does. */
function OtherAddress({ address }: { address: string }) {
  const { origin } = window.location;
  if (address === origin) return null;
  return (
    <Text size="sm">
      The code leads to <span className="mono">{address}</span>, the same fleet under an address that a phone in this network reaches;{' '}
      <span className="mono">{origin}</span> may be known to this machine alone.
    </Text>
  );
}

/** Nothing to scan: no phone could open it. */
function OnlyHere() {
  return (
    <Alert color="yellow" variant="outline" title="No phone reaches this fleet" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
      <Text size="sm">
        It listens for its own machine alone. Start it with <span className="mono">--host 0.0.0.0</span>, or behind a proxy with{' '}
        <span className="mono">--public-url</span>. This browser can be a device all the same.
      </Text>
    </Alert>
  );
}
