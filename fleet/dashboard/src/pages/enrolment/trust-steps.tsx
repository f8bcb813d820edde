import { Accordion, Anchor, Stack, Text } from '@mantine/core';
import { API_BASE, type Settings } from '@starling/shared';
import { QrCode } from '../../parts/qr-code.tsx';
import classes from './browser-link.module.css';
import { fingerprintText } from './phone-addresses.ts';

const CERTIFICATE_PATH = `${API_BASE}/trust/ca.crt`;

/** Where each system keeps what it trusts, in the words of its settings. */
const systems: readonly { name: string; steps: readonly string[] }[] = [
  {
    name: 'Android',
    steps: [
      'Open the certificate in Chrome, past its warning, and let it download.',
      'Settings, Security and privacy, More security settings, Encryption and credentials, Install a certificate, CA certificate: choose the file.',
      'Compare the fingerprint under Trusted credentials, User.',
    ],
  },
  {
    name: 'iPhone and iPad',
    steps: [
      'Open the certificate in Safari, past its warning, and allow the profile.',
      'Settings, General, VPN & Device Management: install the profile; More Details shows the fingerprint to compare.',
      'Settings, General, About, Certificate Trust Settings: turn on full trust for “Starling fleet authority”.',
    ],
  },
  {
    name: 'Computer',
    steps: [
      'Download the certificate and compare its fingerprint.',
      'Import it as an authority for web sites: in the keychain on macOS, under Trusted Root Certification Authorities on Windows, in the settings of the browser on Linux and in Firefox.',
    ],
  },
];

/** What a browser has to trust before the page may use the camera and start without the network. */
export function TrustSteps({ address, settings }: { address: string; settings: Settings }) {
  const { certificateDigest } = settings;
  if (certificateDigest === null) return null;
  return (
    <Accordion variant="contained" chevronPosition="left">
      <Accordion.Item value="trust">
        <Accordion.Control>The phone warns of the certificate</Accordion.Control>
        <Accordion.Panel>
          <Stack gap="md">
            <Text size="sm">
              This fleet has a certificate authority of its own, which no phone knows yet. It is installed once on each phone; it then
              vouches for whatever this fleet signs, so take it out when the phone leaves the fleet. A certificate of a public authority
              spares this.
            </Text>
            <div className={classes.certificate}>
              <QrCode value={`${address}${CERTIFICATE_PATH}`} label="Code that opens the certificate of the fleet" />
              <Stack gap={4} style={{ minWidth: 0 }}>
                <Text size="sm">
                  Scan for the certificate, or{' '}
                  <Anchor href={CERTIFICATE_PATH} download="starling-fleet.crt" size="sm" underline="always">
                    download it here
                  </Anchor>
                  .
                </Text>
                <Text size="sm">SHA-256 fingerprint, to compare:</Text>
                <span className={classes.fingerprint}>{fingerprintText(certificateDigest)}</span>
              </Stack>
            </div>
            {systems.map(({ name, steps }) => (
              <section key={name} aria-label={name}>
                <Text size="sm" fw={600} mb={4}>
                  {name}
                </Text>
                <ol className={classes.steps}>
                  {steps.map((step) => (
                    <li key={step}>{step}</li>
                  ))}
                </ol>
              </section>
            ))}
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
