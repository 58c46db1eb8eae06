/** The place to drop, and the buttons for those who do not drag. */
import { ImageUp } from 'lucide-react';
import { useRef } from 'react';
import { useStatus } from '../queries.ts';
import { useText } from '../text.ts';
import { usePhone } from '../ui/Dialog.tsx';
import { isLitter } from './collect.ts';
import { enqueue } from './queue.ts';

export function DropHere({ brief = false }: { brief?: boolean }) {
  const { t } = useText();
  const phone = usePhone();
  const site = useStatus().data?.site;
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (input: HTMLInputElement) => {
    const picked = [...(input.files ?? [])]
      .filter((file) => !isLitter(file.name))
      .map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    input.value = '';
    void enqueue(picked);
  };
  return (
    <div className="drop">
      <ImageUp size={22} aria-hidden />
      <p>
        {phone ? t('drop.phone') : t('drop.text')}
        {site && !brief && (
          <>
            {' · '}
            {t('drop.send')} <b className="num">{site.aeTitle}</b> {t('drop.port')}{' '}
            <b className="num">{site.dicomPort}</b>
          </>
        )}
      </p>
      <div className="rowline">
        <button type="button" className="btn" onClick={() => files.current?.click()}>
          {phone ? t('drop.photo') : t('drop.files')}
        </button>
        {!phone && (
          <button type="button" className="btn" onClick={() => folder.current?.click()}>
            {t('drop.folder')}
          </button>
        )}
      </div>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label={t('drop.files')}
        onChange={(event) => take(event.currentTarget)}
      />
      <input
        ref={(element) => {
          folder.current = element;
          element?.setAttribute('webkitdirectory', '');
        }}
        type="file"
        hidden
        aria-label={t('drop.folder')}
        onChange={(event) => take(event.currentTarget)}
      />
    </div>
  );
}
