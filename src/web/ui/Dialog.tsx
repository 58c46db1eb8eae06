/** A dialog (the whole screen on a phone) and a drawer from the side: focus kept inside, Escape closes. */
import { Drawer, Modal } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useText } from '../text.ts';

export const PHONE = '(max-width: 759px)';
export const usePhone = (): boolean => useMediaQuery(PHONE, matchMedia(PHONE).matches) ?? false;

interface Props {
  opened: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
  /** Width in px. */
  width?: number;
}

export function Dialog({ opened, onClose, title, children, width = 520 }: Props) {
  const { t } = useText();
  const phone = usePhone();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      size={width}
      fullScreen={phone}
      centered
      transitionProps={{ duration: 120 }}
      overlayProps={{ backgroundOpacity: 0.6 }}
      closeButtonProps={{ 'aria-label': t('action.close'), size: 'lg' }}
      attributes={{ header: { role: 'presentation' } }} // a <header>, but no banner of the page
      classNames={{ content: 'dialog', header: 'dialog-head', title: 'dialog-title', body: 'dialog-body' }}
    >
      {children}
    </Modal>
  );
}

export function SideDrawer({ opened, onClose, title, children, width = 520 }: Props) {
  const { t } = useText();
  const phone = usePhone();
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      title={title}
      position="right"
      size={phone ? '100%' : width}
      transitionProps={{ duration: 120 }}
      overlayProps={{ backgroundOpacity: 0.5 }}
      closeButtonProps={{ 'aria-label': t('action.close'), size: 'lg' }}
      attributes={{ header: { role: 'presentation' } }} // a <header>, but no banner of the page
      classNames={{ content: 'dialog', header: 'dialog-head', title: 'dialog-title', body: 'dialog-body' }}
    >
      {children}
    </Drawer>
  );
}

/** The buttons at the foot of a dialog. */
export function DialogFoot({ children }: { children: ReactNode }) {
  return <div className="dialog-foot">{children}</div>;
}
