import { SegmentedControl, useMantineColorScheme } from '@mantine/core';
import { Panel } from '../../parts/panel.tsx';

const schemes = ['auto', 'light', 'dark'] as const;
const words: Record<(typeof schemes)[number], string> = { auto: 'As this machine', light: 'Light', dark: 'Dark' };

/** Light or dark, kept in this browser. */
export function ThemePanel() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Panel title="Theme" note="Kept in this browser.">
      <SegmentedControl
        aria-label="Theme"
        data={schemes.map((value) => ({ value, label: words[value] }))}
        value={colorScheme}
        onChange={(value) => setColorScheme(schemes.find((each) => each === value) ?? 'auto')}
      />
    </Panel>
  );
}
