import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** The green of a starling's neck. */
const petrol: MantineColorsTuple = [
  '#e4f7f4',
  '#c9ece6',
  '#98dbd1',
  '#64c8ba',
  '#3cb6a6',
  '#219f90',
  '#117e74',
  '#0e6f66',
  '#0b5a53',
  '#084740',
];
/** The violet of its back. */
const plum: MantineColorsTuple = [
  '#f1ecfb',
  '#ddd2f4',
  '#c2b0ea',
  '#a78ce0',
  '#9070d5',
  '#7c5cc4',
  '#6a4bb0',
  '#583d96',
  '#46307a',
  '#35245d',
];
const ink: MantineColorsTuple = [
  '#dbe5e3',
  '#b9c8c6',
  '#98aaa8',
  '#708482',
  '#334644',
  '#26383a',
  '#1c2b2d',
  '#111c1e',
  '#0c1517',
  '#081012',
];
const slate: MantineColorsTuple = [
  '#f5f8f7',
  '#edf1f0',
  '#e1e8e6',
  '#d0dad7',
  '#b7c4c1',
  '#92a3a0',
  '#566764',
  '#44534f',
  '#30403d',
  '#1a2624',
];

export const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 7, dark: 6 },
  colors: { petrol, plum, dark: ink, gray: slate },
  black: '#14201e',
  fontFamily: "'Geist Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'Geist Mono Variable', ui-monospace, monospace",
  headings: { fontWeight: '600' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: { ModalTitle: { defaultProps: { fw: 600 } } },
});

/** Colours whose contrast the component library leaves below 4.5:1. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#4f605d',
    '--mantine-color-placeholder': '#66777a',
    '--mantine-color-anchor': '#0b5f57',
    '--mantine-color-error': '#b3261e',
  },
  dark: {
    '--mantine-color-dimmed': '#9db0ad',
    '--mantine-color-placeholder': '#8b9e9c',
    '--mantine-color-anchor': '#64c8ba',
    '--mantine-color-error': '#ff9c8f',
  },
});
