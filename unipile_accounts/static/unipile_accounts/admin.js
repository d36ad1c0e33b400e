'use strict';
// A button that was pressed says so, and cannot be pressed twice.
{
    const forms = () => document.querySelectorAll('form[data-once], #changelist-form, #unipileaccount_form');

    const onSubmit = event => {
        const form = event.target;
        if (form.dataset.pressed) {
            event.preventDefault();
            return;
        }
        form.dataset.pressed = 'true';
        const button = event.submitter;
        if (!button) {
            return;
        }
        button.setAttribute('aria-busy', 'true');
        button.setAttribute('aria-disabled', 'true');
        if (button.dataset.busy) {
            button.dataset.label = button.textContent;
            button.textContent = button.dataset.busy;
        }
    };

    // The browser may show the page again as it was left.
    const onPageShow = () => {
        for (const form of forms()) {
            delete form.dataset.pressed;
        }
        for (const button of document.querySelectorAll('[aria-busy]')) {
            button.removeAttribute('aria-busy');
            button.removeAttribute('aria-disabled');
            if (button.dataset.label) {
                button.textContent = button.dataset.label;
            }
        }
    };

    document.addEventListener('DOMContentLoaded', () => {
        for (const form of forms()) {
            form.addEventListener('submit', onSubmit);
        }
    });
    // Django labels its search box with a picture only, and its list of owners not at all.
    const label = () => {
        const picture = document.querySelector('label[for="searchbar"] img');
        if (picture) {
            document.getElementById('searchbar').setAttribute('aria-label', picture.alt);
        }
        const owner = document.getElementById('select2-id_user-container');
        if (owner) {
            owner.setAttribute('aria-label', document.querySelector('label[for="id_user"]').textContent);
        }
    };
    // jQuery makes the list in a task of its own, which may come after this event.
    window.addEventListener('load', () => setTimeout(label));
    document.addEventListener('focusin', event => {
        if (event.target.matches('input.link')) {
            event.target.select();
        }
    });
    window.addEventListener('pageshow', onPageShow);
}
