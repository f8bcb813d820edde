import { Alert, Button, Select, Stack, Text, Title } from '@mantine/core';
import { runPageLink, type Settings } from '@starling/shared';
import { IconExternalLink } from '@tabler/icons-react';
import { useState } from 'react';
import { CommandBox } from '../../parts/command-box.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { QrCode } from '../../parts/qr-code.tsx';
import classes from './browser-link.module.css';
import { phoneAddresses } from './phone-addresses.ts';
import { TrustSteps } from './trust-steps.tsx';

interface BrowserLinkProps {
  token: { name: string; expiresAtMs: number };
  text: string;
  settings: Settings;
}

/** The code to scan, the link behind it, and what a phone has to trust before it opens. */
export function BrowserLink({ token, text, settings }: BrowserLinkProps) {
  const addresses = phoneAddresses(settings.reachableUrls, window.location.origin);
  const [chosen, setChosen] = useState<string>();
  const address = chosen ?? addresses[0];
  return (
    <Alert mt="md" variant="outline" color="petrol" title="Shown only this once" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
      <Stack gap="md">
        <Text size="sm">
          The fleet keeps only a digest of it. The token “{token.name}” is valid until <ExactMoment atMs={token.expiresAtMs} />. Whoever has
          the code can add a device with it.
        </Text>
        {address === undefined ? (
          <OnlyHere />
        ) : (
          <>
            {addresses.length > 1 && (
              <Select
                label="Address of the fleet"
                description="One that the phone reaches: in the same network, or public"
                data={addresses}
                value={address}
                onChange={(value) => setChosen(value ?? undefined)}
                allowDeselect={false}
                maw="24rem"
              />
            )}
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
                <OtherAddress address={address} />
                <CommandBox label="Or open this link:" command={runPageLink(address, text)} />
              </Stack>
            </div>
            <TrustSteps address={address} settings={settings} />
          </>
        )}
        <div>
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
        </div>
      </Stack>
    </Alert>
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
    <Alert color="yellow" variant="light" title="No phone reaches this fleet" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
      <Text size="sm">
        It listens for its own machine alone. Start it with <span className="mono">--host 0.0.0.0</span>, or behind a proxy with{' '}
        <span className="mono">--public-url</span>. This browser can be a device all the same.
      </Text>
    </Alert>
  );
}
