/* What the kernel knows of machine and modules, as one JSON document; its schema is bfimg/schemas/profile.json. */
#pragma once

/* Sends the document, with the lines around it and its CRC. */
void export_all(void);

/* Parts of it: members of the object that is open. */
void export_machine(void);
void export_modules(void);
