'use strict';
document.addEventListener('click', event => {
    const button = event.target;
    if (!button.matches('button.copy')) {
        return;
    }
    const input = button.previousElementSibling;
    input.select();
    // Without HTTPS there is no clipboard, and the selected link is copied by hand.
    navigator.clipboard?.writeText(input.value).then(() => {
        button.textContent = button.dataset.done;
    });
});

// Django labels its search box with a picture only, and its list of owners not at all.
// jQuery makes the list in a task of its own, which may come after this event.
window.addEventListener('load', () => setTimeout(() => {
    const picture = document.querySelector('label[for="searchbar"] img');
    if (picture) {
        document.getElementById('searchbar').setAttribute('aria-label', picture.alt);
    }
    const owner = document.getElementById('select2-id_user-container');
    if (owner) {
        owner.setAttribute('aria-label', document.querySelector('label[for="id_user"]').textContent);
    }
}));
