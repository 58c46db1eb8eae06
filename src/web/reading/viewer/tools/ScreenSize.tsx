/** Set once: how large a bank card is on this screen, so that an image can be shown at its true size. */
import { useState } from 'react';
import { useText } from '../../../text.ts';
import { Dialog, DialogFoot, usePhone } from '../../../ui/Dialog.tsx';
import { CARD_HEIGHT_MM, CARD_MM, GUESS, keepPxPerMm, pxPerMm } from './screen.ts';

export function ScreenSize(props: { opened: boolean; onClose: () => void; onSet: () => void }) {
  const { t } = useText();
  const phone = usePhone();
  const [scale, setScale] = useState(() => pxPerMm() ?? GUESS);
  return (
    <Dialog opened={props.opened} onClose={props.onClose} title={t('screen.title')} width={760}>
      <div className="screen-size">
        <p className="muted">{t('screen.text')}</p>
        <div
          className="card-outline"
          // Upright where the screen is: a card is wider than a phone.
          style={
            phone
              ? { width: scale * CARD_HEIGHT_MM, height: scale * CARD_MM }
              : { width: scale * CARD_MM, height: scale * CARD_HEIGHT_MM }
          }
          aria-hidden
        />
        <label>
          {t('screen.width')}
          <input
            type="range"
            min={GUESS * 0.5}
            max={GUESS * 2}
            step={0.005}
            value={scale}
            onChange={(event) => setScale(Number(event.target.value))}
          />
        </label>
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={props.onClose}>
            {t('action.cancel')}
          </button>
          <button
            type="button"
            className="btn primary"
            onClick={() => {
              keepPxPerMm(scale);
              props.onSet();
            }}
          >
            {t('screen.keep')}
          </button>
        </DialogFoot>
      </div>
    </Dialog>
  );
}
