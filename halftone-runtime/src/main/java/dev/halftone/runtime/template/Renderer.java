package dev.halftone.runtime.template;

import dev.halftone.runtime.template.Statement.Branch;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs a template's statements. What a template may do is bounded: statements, length of the text, depth of calls. */
final class Renderer {
    private static final int MOST_STATEMENTS = 500_000;
    private static final int LONGEST = 1 << 24;
    private static final int DEEPEST_CALL = 50;

    /** How a list of statements ended. */
    private enum End {
        RAN,
        BROKE,
        CONTINUES
    }

    private StringBuilder out = new StringBuilder();
    private int statements;
    private int depth;

    static String render(List<Statement> template, Scope scope) {
        Renderer renderer = new Renderer();
        renderer.run(template, scope);
        return renderer.out.toString();
    }

    private End run(List<Statement> body, Scope scope) {
        for (Statement statement : body) {
            if (++statements > MOST_STATEMENTS || out.length() > LONGEST) {
                throw new JinjaException("the template does not come to an end");
            }
            End end = run(statement, scope);
            if (end != End.RAN) {
                return end;
            }
        }
        return End.RAN;
    }

    private End run(Statement statement, Scope scope) {
        switch (statement) {
            case Statement.Text(String text) -> out.append(text);
            case Statement.Output(Expression value, int line) -> out.append(Values.text(value(value, scope, line)));
            case Statement.If choice -> {
                return run(chosen(choice, scope), scope);
            }
            case Statement.For loop -> run(loop, scope);
            case Statement.Set(List<String> names, Expression value, int line) ->
                assign(names, value(value, scope, line), scope, line);
            case Statement.SetAttribute set -> {
                if (!(scope.get(set.namespace()) instanceof Namespace(Map<String, Object> values))) {
                    throw JinjaException.at(set.line(), "'%s' is no namespace".formatted(set.namespace()));
                }
                values.put(set.name(), value(set.value(), scope, set.line()));
            }
            case Statement.Capture(String name, List<Statement> body, int _) -> scope.set(name, captured(body, scope));
            case Statement.Macro macro -> scope.set(macro.name(), function(macro, scope));
            case Statement.Filtered(Expression.Filter filter, List<Statement> body) ->
                out.append(Values.text(Evaluator.filtered(captured(body, scope), filter, scope)));
            case Statement.Group(List<Statement> body) -> {
                return run(body, scope);
            }
            case Statement.Break() -> {
                return End.BROKE;
            }
            case Statement.Continue() -> {
                return End.CONTINUES;
            }
        }
        return End.RAN;
    }

    private static Object value(Expression expression, Scope scope, int line) {
        try {
            return Evaluator.value(expression, scope);
        } catch (JinjaException e) {
            throw Evaluator.located(e, line);
        }
    }

    private static List<Statement> chosen(Statement.If choice, Scope scope) {
        for (Branch branch : choice.branches()) {
            if (Values.truth(value(branch.test(), scope, choice.line()))) {
                return branch.body();
            }
        }
        return choice.otherwise();
    }

    private String captured(List<Statement> body, Scope scope) {
        StringBuilder outside = out;
        out = new StringBuilder();
        run(body, new Scope(scope));
        String text = out.toString();
        out = outside;
        return text;
    }

    private static void assign(List<String> names, Object value, Scope scope, int line) {
        if (names.size() == 1) {
            scope.set(names.getFirst(), value);
            return;
        }
        List<Object> parts = Values.items(value);
        if (parts.size() != names.size()) {
            throw JinjaException.at(line, "%d values for %d names".formatted(parts.size(), names.size()));
        }
        for (int i = 0; i < parts.size(); i++) {
            scope.set(names.get(i), parts.get(i));
        }
    }

    private void run(Statement.For loop, Scope scope) {
        List<Object> items = items(loop, scope);
        if (items.isEmpty()) {
            run(loop.otherwise(), scope);
        }
        for (int i = 0; i < items.size(); i++) {
            Scope inner = new Scope(scope);
            inner.set("loop", state(items, i));
            assign(loop.names(), items.get(i), inner, loop.line());
            if (run(loop.body(), inner) == End.BROKE) {
                return;
            }
        }
    }

    private static List<Object> items(Statement.For loop, Scope scope) {
        Object value = value(loop.items(), scope, loop.line());
        List<Object> items;
        try {
            items = Values.items(value);
        } catch (JinjaException e) {
            throw Evaluator.located(e, loop.line());
        }
        Expression filter = loop.filter();
        if (filter == null) {
            return items;
        }
        List<Object> kept = new ArrayList<>();
        for (Object item : items) {
            Scope inner = new Scope(scope);
            assign(loop.names(), item, inner, loop.line());
            if (Values.truth(value(filter, inner, loop.line()))) {
                kept.add(item);
            }
        }
        return kept;
    }

    /** What a loop's body knows of the loop. */
    private static Map<Object, Object> state(List<Object> items, int at) {
        int count = items.size();
        Map<Object, Object> state = new LinkedHashMap<>();
        state.put("index", at + 1L);
        state.put("index0", (long) at);
        state.put("revindex", (long) count - at);
        state.put("revindex0", count - at - 1L);
        state.put("first", at == 0);
        state.put("last", at == count - 1);
        state.put("length", (long) count);
        if (at > 0) {
            state.put("previtem", items.get(at - 1));
        }
        if (at < count - 1) {
            state.put("nextitem", items.get(at + 1));
        }
        Function cycle = (positional, _) -> positional.get(at % positional.size());
        state.put("cycle", cycle);
        return state;
    }

    private Function function(Statement.Macro macro, Scope outer) {
        return (positional, named) -> {
            if (++depth > DEEPEST_CALL) {
                throw new JinjaException("macros call one another more than %d deep".formatted(DEEPEST_CALL));
            }
            Scope scope = new Scope(outer);
            if (positional.size() > macro.parameters().size()) {
                throw new JinjaException("'%s' takes fewer arguments".formatted(macro.name()));
            }
            Iterator<Object> given = positional.iterator();
            for (Map.Entry<String, @Nullable Expression> parameter :
                    macro.parameters().entrySet()) {
                Object value = given.hasNext() ? given.next() : named.get(parameter.getKey());
                Expression absent = parameter.getValue();
                if (value == null) {
                    value = absent == null ? new Undefined(parameter.getKey()) : Evaluator.value(absent, scope);
                }
                scope.set(parameter.getKey(), value);
            }
            String text = captured(macro.body(), scope);
            depth--;
            return text;
        };
    }
}
