import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { t } from "../app/i18n";
import { useLayer } from "../app/useLayer";
import { IconButton } from "./Button";
import { InLanguage } from "./InLanguage";

interface Props {
  readonly title: string;
  readonly wide?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A dialog over everything else. Esc, the back button and a click beside it close it; the focus goes back. */
export function Dialog({ title, wide = false, onClose, children }: Props) {
  useLayer(onClose);
  return (
    <InLanguage>
      <ModalOverlay
        className="overlay"
        isOpen
        isDismissable
        onOpenChange={(open) => {
          if (!open) onClose();
        }}
      >
        <Modal className="dialog-frame" data-wide={wide || undefined}>
          <AriaDialog className="dialog">
            <header className="dialog-head">
              <Heading slot="title" className="dialog-title">
                {title}
              </Heading>
              <IconButton icon="close" label={t("Close")} onPress={onClose} />
            </header>
            {children}
          </AriaDialog>
        </Modal>
      </ModalOverlay>
    </InLanguage>
  );
}
